"""RMIA: the robust membership inference attack.

Zarifzadeh, Liu, Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", arXiv 2312.03262,
equations 2, 3 and 10. With p(.|target) the probability of the label under the target:

    score = fraction of reference records z with [p(x|target) / p(x)] / [p(z|target) / p(z)] >= gamma

    online   p(x) = mean over all shadows
    offline  p(x) = ((1 + a) mean over OUT shadows + 1 - a) / 2

Deviations:

- Rows of membership are independent, so not exactly half of a record's shadows are IN; online, the
  mean is over all shadows as they are. Offline, a record without an OUT shadow gets the mean over the
  other records.
- No shadow was trained on a reference record, so p(z) is a mean over OUT shadows even online.

The fraction is computed by sorting the ratios of the reference records and searching for the record's.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Views
from privbench.attacks.moments import (
    Bools,
    Floats,
    chunks,
    fill_missing,
    means,
    of_targets_and_shadows,
)

MIN_PROBABILITY = 1e-300  # floor that avoids log(0)
TIE_TOLERANCE = 1e-12
"""Log ratios that differ by less count as equal, so that rounding does not separate equal outputs."""


class Rmia(BatchedAttack):
    """Rank of the likelihood ratio among reference records."""

    name: ClassVar[str] = "rmia"
    paper: ClassVar[str] = "Zarifzadeh et al. 2024, arXiv 2312.03262"
    needs_reference: ClassVar[bool] = True

    mode: Literal["online", "offline"] = Field(
        "online", description="use all shadows (online), or only OUT shadows (offline)"
    )
    a: float = Field(
        0.3,
        ge=0,
        le=1,
        description="slope of the offline approximation: the mean IN probability is taken to be "
        "a * (mean OUT probability) + 1 - a",
    )
    gamma: float = Field(
        1.0,
        gt=0,
        description="factor by which the record's ratio must exceed that of a reference record",
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), multiples of 1 / (number of reference records)."""
        no_members = np.zeros((len(views.shadows), len(views.reference_labels)), dtype=bool)
        targets, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.log_prob_of(views.labels)
        )
        pool = self._log_ratios(targets, shadows, views.shadow_member, views.leave_one_out)
        reference = self._log_ratios(
            views.target_reference.log_prob_of(views.reference_labels),
            views.shadow_reference.log_prob_of(views.reference_labels),
            no_members,
            views.leave_one_out,
        )
        reference.sort(axis=1)
        scores = np.empty(pool.shape)
        for target, ratios in enumerate(pool):
            limit = ratios - math.log(self.gamma) + TIE_TOLERANCE
            n_exceeded = np.searchsorted(reference[target], limit, side="right")
            scores[target] = n_exceeded / reference.shape[1]
        return scores

    def _log_ratios(
        self, target: Floats, shadows: Floats, member: Bools, leave_one_out: bool
    ) -> Floats:
        """Return log p(x|target) - log p(x) (targets, n).

        Args:
            target: (targets, n), log-probabilities of the labels under the targets.
            shadows: (shadows, n), those under the shadows.
            member: bool (shadows, n), the membership of the shadows.
            leave_one_out: whether shadow i is target i, and is left out for it.
        """
        use = ~member if self.mode == "offline" else np.ones_like(member)
        mean = np.empty((len(shadows) if leave_one_out else 1, shadows.shape[1]))
        for part in chunks(*shadows.shape):
            probabilities = np.exp(shadows[:, part])
            mean[:, part] = means(probabilities, use[:, part], leave_one_out=leave_one_out)
        return target - np.log(np.maximum(self._marginal(fill_missing(mean)), MIN_PROBABILITY))

    def _marginal(self, mean: Floats) -> Floats:
        """Return p(x) from the mean over all shadows (online) or over OUT shadows (offline)."""
        return mean if self.mode == "online" else ((1 + self.a) * mean + 1 - self.a) / 2
