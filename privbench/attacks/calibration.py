"""The difficulty-calibrated loss attack.

Watson et al. 2022, "On the Importance of Difficulty Calibration in Membership Inference Attacks", arXiv
2111.08440, equation 3: the score minus its mean over models that were not trained on the record,

    log p_y - mean over OUT shadows of log p_y

Deviation: a record without an OUT shadow is calibrated by the mean over the other records.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import BatchedAttack, Task, Views
from privbench.attacks.moments import of_targets_and_shadows, subtract_out_mean


class Calibration(BatchedAttack):
    """Log-probability of the label minus its OUT-shadow mean."""

    name: ClassVar[str] = "calibration"
    paper: ClassVar[str] = "Watson et al. 2022, arXiv 2111.08440"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")
    additive: ClassVar[bool] = True

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), in nats."""
        targets, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.log_prob_of(views.labels)
        )
        return subtract_out_mean(targets, shadows, views.shadow_member, views.leave_one_out)
