"""The population attack (attack P).

Ye et al. 2022, "Enhanced Membership Inference Attacks against Machine Learning Models", arXiv
2111.09679, attack P. The loss of a record under the target is ranked among the losses of reference
records, which are non-members, under the same target. The score is the fraction of reference records z
whose label is at most as probable as that of the record x:

    score(x) = fraction of z with p(z) <= p(x)

Deviation: equal probabilities count one half, so that constant outputs give every record a score of 1/2.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, Task, View


class AttackP(Attack):
    """Rank of the record's loss among reference records."""

    name: ClassVar[str] = "attack-p"
    paper: ClassVar[str] = "Ye et al. 2022, arXiv 2111.09679"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    needs_reference: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), between 0 and 1."""
        phi = view.target.scaled_confidence(view.labels)
        reference = np.sort(view.target_reference.scaled_confidence(view.reference_labels))
        below = np.searchsorted(reference, phi, side="left")
        not_above = np.searchsorted(reference, phi, side="right")
        scores: NDArray[np.float64] = (below + not_above) / (2 * len(reference))
        return scores
