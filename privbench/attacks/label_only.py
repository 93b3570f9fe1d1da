"""The label-only attack: members are further from the decision boundary.

Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", arXiv 2007.14321. The target is
queried on noisy copies of the record. Of K queries s return its label, and

    phi = log (s + 1/2) / (K - s + 1/2)

Noise is Gaussian for pixels and numbers; binary features are flipped with a small probability.

Deviations:

- The paper compares the fraction of right answers with one threshold. With ``calibrated``, each shadow
  is queried on the same copies, and the score is the log-likelihood ratio of phi, IN against OUT
  shadows, in the way in which LiRA compares confidences (see `lira.log_ratios`).
- The paper's other variants are not implemented: image augmentations, and an adversarial search for
  the distance to the decision boundary.
- The record itself counts as one of the copies, and the prediction is compared with the record's label
  rather than with the prediction on the record.
- All records are perturbed in the same way; see `copies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Model, NeedsShadows, Observes, Views
from privbench.attacks.copies import noisy_copies
from privbench.attacks.learned import one_blas_thread
from privbench.attacks.lira import log_ratios
from privbench.attacks.moments import Floats
from privbench.attacks.outputs import Outputs


class LabelOnly(BatchedAttack):
    """Noisy copies that are given the record's label, against those under shadows."""

    name: ClassVar[str] = "label-only"
    paper: ClassVar[str] = "Choquette-Choo et al. 2021, arXiv 2007.14321"
    observes: ClassVar[Observes] = "labels"
    needs_records: ClassVar[bool] = True
    queries: ClassVar[bool] = True

    copies: int = Field(32, ge=1, description="number of noisy copies of each record to query")
    noise: float = Field(
        0.3, gt=0, description="standard deviation of the noise on numbers and pixels"
    )
    flips: float = Field(
        0.05, gt=0, le=1, description="probability of flipping each binary feature of a copy"
    )
    calibrated: bool = Field(
        True,
        description="whether to compare the answers with those of IN and OUT shadows; needs shadows, "
        "which are queried as often as the target",
    )

    def queries_used(self) -> int:
        """Return the number of copies, and one for the record itself."""
        return self.copies + 1

    def shadows_needed(self) -> NeedsShadows:
        """Return which shadows it needs: none unless it is calibrated."""
        return self.needs_shadows if self.calibrated else "no"

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-likelihood ratios, or phi if not calibrated."""
        if not self.calibrated:
            return self._log_odds(views, views.target_models, views.targets)
        return self.compare(views, *self.answers(views))

    def answers(self, views: Views) -> tuple[Floats, Floats]:
        """Query targets and shadows, and return their phi (targets, n_pool) and (shadows, n_pool).

        Models that are both are queried once.
        """
        targets = self._log_odds(views, views.target_models, views.targets)
        if views.shadow_models is views.target_models:
            return targets, targets
        return targets, self._log_odds(views, views.shadow_models, views.shadows)

    def compare(self, views: Views, targets: Floats, shadows: Floats) -> Floats:
        """Return the log-likelihood ratios (targets, n_pool) of phi.

        One variance serves all records. Answers are whole numbers, and a record's few shadows often
        give the same one, so that variances of single records mean little.
        """
        return log_ratios(targets, shadows, views.shadow_member, views.leave_one_out, "global")

    def _log_odds(self, views: Views, models: Sequence[Model], outputs: Outputs) -> Floats:
        """Return phi (models, n_pool), of the records themselves (``outputs``) and their copies."""
        assert views.records is not None  # needs_records
        right = (outputs.predicted == views.labels).astype(np.float64)
        with one_blas_thread():  # many small queries lose time to more
            for copy in noisy_copies(views.records, self.copies, self.noise, self.flips):
                for model, row in zip(models, right, strict=True):
                    row += model.classify(copy) == views.labels
        phi: Floats = np.log(right + 0.5) - np.log(self.copies + 1.5 - right)
        return phi
