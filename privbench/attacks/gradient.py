"""The white-box attack: members have small loss gradients.

Nasr, Shokri, Houmansadr 2019, "Comprehensive Privacy Analysis of Deep Learning", arXiv 1812.00910,
use what training leaves behind in the gradients of the record's loss. The score is minus the
logarithm of the L2 norm of that gradient with respect to all parameters. Deviations:

- The paper learns an attack model on gradients, activations and losses; here it is the norm alone.
- ``calibrated``: less its mean over OUT shadows, as Watson et al. 2022 (arXiv 2111.08440) do with
  losses.

Output mechanisms do not act: whoever has the parameters does not ask the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Model, NeedsShadows, Observes, Views
from privbench.attacks.moments import centred_on_out

SMALLEST = 1e-30
"""Of a norm: one that is smaller in float32 is zero."""


class Gradient(BatchedAttack):
    """Minus the log norm of the gradient of the record's loss."""

    name: ClassVar[str] = "gradient"
    paper: ClassVar[str] = "Nasr et al. 2019, arXiv 1812.00910"
    observes: ClassVar[Observes] = "parameters"
    needs_records: ClassVar[bool] = True

    calibrated: bool = Field(True, description="compare with OUT shadows' gradients for the record")

    def shadows_needed(self) -> NeedsShadows:
        """To calibrate only."""
        return self.needs_shadows if self.calibrated else "no"

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool)."""
        assert views.records is not None
        own = _scores(views.target_models, views.records, views.labels)
        if not self.calibrated:
            return own
        same = views.shadow_models is views.target_models
        shadows = own if same else _scores(views.shadow_models, views.records, views.labels)
        return centred_on_out(own, shadows, views.shadow_member, views.leave_one_out)


def _scores(
    models: Sequence[Model], records: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    from privbench.engine import gradient_norms

    norms = np.stack([gradient_norms(model.module(), records, labels) for model in models])
    return -np.log(np.maximum(norms.astype(np.float64), SMALLEST))
