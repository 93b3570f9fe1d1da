"""The entropy attack: confident predictions indicate members.

Song, Mittal 2021, arXiv 2003.10595, section 3.2 (after Salem et al. 2019, arXiv 1806.01246). The score
is minus the entropy of the predicted probabilities,

    -H(p) = sum_c p_c log p_c

with one threshold per class that is chosen on shadows. No deviation.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, View


class Entropy(Attack):
    """Minus the entropy of the predicted probabilities."""

    name: ClassVar[str] = "entropy"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    per_class_threshold: ClassVar[bool] = True

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), between -log(n_classes) and 0, in nats."""
        log_probs = view.target.log_probabilities()
        top = log_probs.argmax(axis=-1)
        # The stored logarithm of a probability near one is rounded; this one is not.
        log_probs[np.arange(len(top)), top] = view.target.log_prob_of(top)
        scores: NDArray[np.float64] = (np.exp(log_probs) * log_probs).sum(axis=-1)
        return scores
