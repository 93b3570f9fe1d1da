"""The white-box gradient attack: members have small loss gradients.

Nasr, Shokri, Houmansadr 2019, "Comprehensive Privacy Analysis of Deep Learning", arXiv 1812.00910,
exploit that training makes the gradients of a member's loss small. The score is minus the logarithm of
the L2 norm of the gradient with respect to all parameters.

Deviations:

- The paper trains an attack model on gradients, activations and losses; here the norm alone is used.
- ``calibrated`` replaces this score by its log-likelihood ratio, IN against OUT shadows, in the way in
  which LiRA compares confidences (see `lira.log_ratios`).

Output mechanisms have no effect, because an adversary with the parameters does not query the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Model, NeedsShadows, Observes, Views
from privbench.attacks.lira import log_ratios

MIN_NORM = 1e-30
"""Floor that avoids log(0); a smaller norm is zero in float32."""


class Gradient(BatchedAttack):
    """Norm of the record's loss gradient."""

    name: ClassVar[str] = "gradient"
    paper: ClassVar[str] = "Nasr et al. 2019, arXiv 1812.00910"
    observes: ClassVar[Observes] = "parameters"
    needs_records: ClassVar[bool] = True

    calibrated: bool = Field(
        True,
        description="whether to compare the score with those under IN and OUT shadows; needs shadows",
    )

    def shadows_needed(self) -> NeedsShadows:
        """Return which shadows it needs: none unless it is calibrated."""
        return self.needs_shadows if self.calibrated else "no"

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool)."""
        assert views.records is not None
        targets = _minus_log_norms(views.target_models, views.records, views.labels)
        if not self.calibrated:
            return targets
        shadows = targets
        if views.shadow_models is not views.target_models:
            shadows = _minus_log_norms(views.shadow_models, views.records, views.labels)
        return log_ratios(targets, shadows, views.shadow_member, views.leave_one_out, "shrunk")


def _minus_log_norms(
    models: Sequence[Model], records: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return minus the log gradient norm (models, n) of each record under each model."""
    from privbench.engine import gradient_norms

    norms = np.stack([gradient_norms(model.module(), records, labels) for model in models])
    return -np.log(np.maximum(norms.astype(np.float64), MIN_NORM))
