"""InfoRMIA: RMIA as a gain of information.

Tao, Shokri 2025, "(Token-Level) InfoRMIA", arXiv 2510.05582. RMIA counts how many reference records z
the record exceeds; InfoRMIA averages by how much:

    log p(x|target) - log p(x) + KL(p(z) || p(z|target))

The score is not bounded by the number of reference records, and there is no factor gamma to choose. The
divergence is the same for all records of one target; it makes the scores of different targets
comparable.

Deviations:

- The reference records are draws from the population, so the divergence is estimated by the mean of
  log p(z) - log p(z|target) over them.
- See `marginals` for p(x); p(z) is a mean over all shadows, for none was trained on a reference record.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Task, Views
from privbench.attacks.marginals import balanced_means, of_reference
from privbench.attacks.moments import of_targets_and_shadows
from privbench.attacks.repeated import RepeatableAttack


class InfoRmia(RepeatableAttack):
    """Log ratio to the label's probability in general, plus the target's divergence."""

    name: ClassVar[str] = "info-rmia"
    paper: ClassVar[str] = "Tao, Shokri 2025, arXiv 2510.05582"
    needs_reference: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")
    additive: ClassVar[bool] = True

    def score_once(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), in nats."""
        labels, leave_one_out = views.labels, views.leave_one_out
        targets, shadows = of_targets_and_shadows(views, lambda outs: outs.log_prob_of(labels))
        reference, marginal_z = of_reference(views)
        divergence = (np.log(marginal_z) - reference).mean(axis=1, keepdims=True)
        marginal_x = balanced_means(shadows, views.shadow_member, leave_one_out)
        scores: NDArray[np.float64] = targets - np.log(marginal_x) + divergence
        return scores
