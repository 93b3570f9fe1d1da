"""The confidence attack.

Song, Mittal 2021, "Systematic Evaluation of Privacy Risks of Machine Learning Models", arXiv
2003.10595, section 3.2: the probability of the label, with one threshold per class that is chosen on
shadows. The score is the logarithm of that probability, which orders records alike and does not round
to the same value for all confident predictions.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, View


class Confidence(Attack):
    """Log-probability of the label, with per-class thresholds."""

    name: ClassVar[str] = "confidence"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    per_class_threshold: ClassVar[bool] = True

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), at most zero, in nats."""
        return view.target.log_prob_of(view.labels)
