"""The reference attack: how unusual the record's loss is among models that were not trained on it.

Ye et al. 2022, arXiv 2111.09679, attack R: the record's loss under the target is ranked among its losses
under OUT shadows. The score is the share of OUT shadows under which its label is at most as probable.
Deviations:

- Equal probabilities count half.
- With m OUT shadows the share is one of few values, which is coarse at a low FPR. The paper interpolates
  between the shadows; a normal fitted to them instead is offline LiRA, which privbench has.
- A record without an OUT shadow has the score 1/2: no evidence.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import BatchedAttack, Views


class AttackR(BatchedAttack):
    """Rank of the record's loss among models that were not trained on it."""

    name: ClassVar[str] = "attack-r"
    paper: ClassVar[str] = "Ye et al. 2022, arXiv 2111.09679"

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool), between 0 and 1."""
        phi = views.targets.scaled_confidence(views.labels)
        same = views.shadows is views.targets
        shadows = phi if same else views.shadows.scaled_confidence(views.labels)
        out = ~views.shadow_member
        scores = np.empty(phi.shape)
        for target, own in enumerate(phi):
            used = out.copy() if views.leave_one_out else out
            if views.leave_one_out:
                used[target] = False
            below = ((shadows < own) & used).sum(axis=0)
            equal = ((shadows == own) & used).sum(axis=0)
            count = used.sum(axis=0)
            share = (below + equal / 2) / np.maximum(count, 1)
            scores[target] = np.where(count > 0, share, 0.5)
        return scores
