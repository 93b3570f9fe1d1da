"""BASE: the ratio of the target's confidence to that of models in general.

Lassila et al. 2025, "Practical Bayes-Optimal Membership Inference Attacks", arXiv
2505.24089. The posterior of membership depends on the loss under the target and on its normaliser over
models, which shadows estimate:

    log p_y(target) - log mean over shadows of p_y

It ranks the records of one target as RMIA does, and needs no reference records.

Deviations:

- Online, the mean is the average of the IN mean and the OUT mean; see `marginals`.
- Offline, a record without an OUT shadow gets the mean over the other records.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Task, Views
from privbench.attacks.marginals import balanced_means, out_means
from privbench.attacks.moments import of_targets_and_shadows
from privbench.attacks.repeated import RepeatableAttack


class BaseAttack(RepeatableAttack):
    """Log-probability of the label minus the log of its mean probability under shadows."""

    name: ClassVar[str] = "base"
    paper: ClassVar[str] = "Lassila et al. 2025, arXiv 2505.24089"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")
    additive: ClassVar[bool] = True

    mode: Literal["online", "offline"] = Field(
        "online", description="use IN and OUT shadows (online), or only OUT shadows (offline)"
    )

    def score_once(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), in nats."""
        targets, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.log_prob_of(views.labels)
        )
        mean = balanced_means if self.mode == "online" else out_means
        marginal = mean(shadows, views.shadow_member, views.leave_one_out)
        scores: NDArray[np.float64] = targets - np.log(marginal)
        return scores
