"""The reference-model attack (attack R).

Ye et al. 2022, "Enhanced Membership Inference Attacks against Machine Learning Models", arXiv
2111.09679, attack R. The loss of a record under the target is ranked among its losses under OUT shadows.
The score is the fraction of OUT shadows under which the record's label is at most as probable.

Deviations:

- Equal probabilities count one half.
- With m OUT shadows the fraction takes few values, which is coarse at a low FPR. The paper
  interpolates between the shadows; fitting a normal to them instead gives offline LiRA.
- A record without an OUT shadow has a score of 1/2, which is no evidence.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import BatchedAttack, Task, Views
from privbench.attacks.moments import of_targets_and_shadows


class AttackR(BatchedAttack):
    """Rank of the record's loss among OUT shadows."""

    name: ClassVar[str] = "attack-r"
    paper: ClassVar[str] = "Ye et al. 2022, arXiv 2111.09679"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), between 0 and 1."""
        phi, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.scaled_confidence(views.labels)
        )
        out = ~views.shadow_member
        scores = np.empty(phi.shape)
        for target, target_phi in enumerate(phi):
            use = out.copy() if views.leave_one_out else out
            if views.leave_one_out:
                use[target] = False
            below = ((shadows < target_phi) & use).sum(axis=0)
            equal = ((shadows == target_phi) & use).sum(axis=0)
            count = use.sum(axis=0)
            fraction = (below + equal / 2) / np.maximum(count, 1)
            scores[target] = np.where(count > 0, fraction, 0.5)
        return scores
