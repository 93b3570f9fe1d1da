"""RMIA: the robust membership inference attack.

Zarifzadeh, Liu, Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", arXiv 2312.03262,
equations 2, 3 and 10. With p(.|target) the probability of the label under the target:

    share = fraction of reference records z with [p(x|target) / p(x)] / [p(z|target) / p(z)] >= gamma

    online   p(x) = (mean over IN shadows + mean over OUT shadows) / 2
    offline  p(x) = ((1 + a) mean over OUT shadows + 1 - a) / 2

Deviations:

- Rows of membership are independent, so not exactly half of a record's shadows are IN; see `marginals`
  for p(x) online. Offline, a record without an OUT shadow gets the mean over the other records.
- No shadow was trained on a reference record, so p(z) is a mean over OUT shadows even online.
- The share takes few values, and many members exceed all reference records, so that a low FPR would be
  out of reach. Records with the same share are ordered by log p(x|target) - log p(x).
- Where ``a`` is not given, it is the value that serves best in an attack on the shadows, as in the
  paper's appendix B.2, among eleven values from 0 to 1.

The share is computed by sorting the ratios of the reference records and searching for the record's.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Task, Views
from privbench.attacks.marginals import balanced_means, of_reference, out_means
from privbench.attacks.moments import Floats, of_targets_and_shadows
from privbench.attacks.own_shadows import auc, groups_of_targets
from privbench.attacks.repeated import RepeatableAttack

TIE_TOLERANCE = 1e-12
"""Log ratios that differ by less count as equal, so that rounding does not separate equal outputs."""
SLOPES = np.linspace(0, 1, 11)
"""The values of ``a`` that are tried."""
DEFAULT_SLOPE = 0.3
"""The value of ``a`` where there are too few shadows to choose it."""


class Rmia(RepeatableAttack):
    """Rank of the likelihood ratio among reference records."""

    name: ClassVar[str] = "rmia"
    paper: ClassVar[str] = "Zarifzadeh et al. 2024, arXiv 2312.03262"
    needs_reference: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")

    mode: Literal["online", "offline"] = Field(
        "online", description="use IN and OUT shadows (online), or only OUT shadows (offline)"
    )
    a: float | None = Field(
        None,
        ge=0,
        le=1,
        description="slope of the offline approximation: the mean IN probability is taken to be "
        "a * (mean OUT probability) + 1 - a; chosen on shadows where it is not given",
    )
    gamma: float = Field(
        1.0,
        gt=0,
        description="factor by which the record's ratio must exceed that of a reference record",
    )

    def score_once(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), between 0 and 1, that increase with the share."""
        labels, leave_one_out = views.labels, views.leave_one_out
        targets, shadows = of_targets_and_shadows(views, lambda outs: outs.log_prob_of(labels))
        reference, marginal_z = of_reference(views)
        if self.mode == "online":
            marginal_x = balanced_means(shadows, views.shadow_member, leave_one_out)
        else:
            slopes = self._slopes(views, shadows)
            marginal_x = out_means(shadows, views.shadow_member, leave_one_out)
            marginal_x = offline_marginal(marginal_x, slopes)
            marginal_z = offline_marginal(marginal_z, slopes)
        return self._scores(targets - np.log(marginal_x), reference - np.log(marginal_z))

    def _scores(self, pool: Floats, reference: Floats) -> Floats:
        """Return scores from the log ratios (targets, n) of the pool and of the reference records."""
        reference = np.sort(reference, axis=1)
        n_reference = reference.shape[1]
        scores = np.empty(pool.shape)
        for target, ratios in enumerate(pool):
            limit = ratios - math.log(self.gamma) + TIE_TOLERANCE
            n_exceeded = np.searchsorted(reference[target], limit, side="right")
            order_in_ties = (1 + ratios / (1 + np.abs(ratios))) / 2  # between 0 and 1
            scores[target] = (n_exceeded + order_in_ties) / (n_reference + 1)
        return scores

    def _slopes(self, views: Views, shadows: Floats) -> Floats:
        """Return ``a`` for each target (targets, 1), or the same for all (1, 1)."""
        if self.a is not None:
            return np.full((1, 1), self.a)
        slopes = np.empty((len(views), 1))
        for group, known in groups_of_targets(views):
            slopes[group] = best_slope(shadows[known], views.shadow_member[known])
        return slopes


def offline_marginal(mean_out: Floats, a: Floats | float) -> Floats:
    """Return p(x) from the mean OUT probability (equation 10)."""
    return ((1 + a) * mean_out + (1 - a)) / 2


def best_slope(log_probs: Floats, member: NDArray[np.bool_]) -> float:
    """Return the ``a`` of ``SLOPES`` with the largest AUC in an attack on the shadows.

    Each shadow is the target once, and the others are its shadows. The records are ranked by their log
    ratios, for within a target the share has the same order.

    Args:
        log_probs: (shadows, n), log-probabilities of the labels.
        member: bool (shadows, n), the membership of the shadows.
    """
    if len(log_probs) < 2 or not member.any() or member.all():
        return DEFAULT_SLOPE
    mean_out = out_means(log_probs, member, leave_one_out=True)
    areas = [auc(log_probs - np.log(offline_marginal(mean_out, a)), member) for a in SLOPES]
    return float(SLOPES[int(np.argmax(areas))])
