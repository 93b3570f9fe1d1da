"""The relative attack: how much more likely the record is under the target than other records are.

Zarifzadeh, Liu, Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", arXiv 2312.03262,
equations 2, 3 and 10. With p(.|target) the probability of the label:

    score = share of reference records z with [p(x|target) / p(x)] / [p(z|target) / p(z)] >= gamma

    online   p(x) = mean over all shadows
    offline  p(x) = ((1 + a) mean over OUT shadows + 1 - a) / 2

Deviations:

- Rows of membership are independent, so the shadows of a record are not half IN; the mean is over all of
  them as they are. A record without an OUT shadow has the mean of the others for its own, offline.
- No shadow was trained on a reference record, so that online p(z) is a mean over OUT shadows only.

The share is found by sorting the reference records' ratios and searching for the record's.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Views
from privbench.attacks.moments import Bools, Floats, chunks, fill, means

SMALLEST = 1e-300  # of a probability that something is divided by
TIED = 1e-12
"""Log ratios that differ by less are equal, so that rounding does not tell equal answers apart."""


class Rmia(BatchedAttack):
    """Share of reference records that the record beats in how much likelier the target makes it."""

    name: ClassVar[str] = "rmia"
    paper: ClassVar[str] = "Zarifzadeh et al. 2024, arXiv 2312.03262"
    needs_reference: ClassVar[bool] = True

    mode: Literal["online", "offline"] = Field(
        "online", description="use all shadows, or the OUT shadows only"
    )
    a: float = Field(
        0.3,
        ge=0,
        le=1,
        description="offline: the mean IN probability is taken to be a times the OUT one, plus 1 - a",
    )
    gamma: float = Field(1.0, gt=0, description="by which factor the record must beat another")

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool), multiples of 1 / reference records."""
        none = np.zeros((len(views.shadows), len(views.reference_labels)), dtype=bool)
        answered = views.targets.log_prob_of(views.labels)
        same = views.shadows is views.targets
        shadows = answered if same else views.shadows.log_prob_of(views.labels)
        own = self._log_ratios(answered, shadows, views.shadow_member, views.leave_one_out)
        others = self._log_ratios(
            views.target_reference.log_prob_of(views.reference_labels),
            views.shadow_reference.log_prob_of(views.reference_labels),
            none,
            views.leave_one_out,
        )
        others.sort(axis=1)
        scores = np.empty(own.shape)
        for target, ratios in enumerate(own):
            reached = ratios - math.log(self.gamma) + TIED
            beaten = np.searchsorted(others[target], reached, side="right")
            scores[target] = beaten / others.shape[1]
        return scores

    def _log_ratios(
        self, target: Floats, shadows: Floats, member: Bools, leave_one_out: bool
    ) -> Floats:
        """Log p(x|target) - log p(x), (targets, n), from log-probabilities."""
        used = ~member if self.mode == "offline" else np.ones_like(member)
        mean = np.empty((len(shadows) if leave_one_out else 1, shadows.shape[1]))
        for part in chunks(*shadows.shape):
            probabilities = np.exp(shadows[:, part])
            mean[:, part] = means(probabilities, used[:, part], leave_one_out=leave_one_out)
        return target - np.log(np.maximum(self._marginal(fill(mean)), SMALLEST))

    def _marginal(self, mean: Floats) -> Floats:
        """P(x) from the mean over the shadows that are used."""
        return mean if self.mode == "online" else ((1 + self.a) * mean + 1 - self.a) / 2
