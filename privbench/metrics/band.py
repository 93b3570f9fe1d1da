"""The ROC curve on a grid of false positive rates, with a pointwise 95% band.

The error of each TPR is that of the influences of pairs (`influence`). A pair's influence depends on
whether it is a member and whether it passes the threshold, and on nothing else, so that numbers of pairs
that pass, by model and by record, give all sums of influences that the error takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.clustered import Over, variance_of_sums
from privbench.metrics.influence import roc_slope
from privbench.metrics.interval import arcsine_t
from privbench.metrics.roc import Roc, allowed_false_positives

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privbench.metrics.pairs import Bools, Floats, Ints

GRID = tuple(float(f"{10 ** (exponent / 5):.4g}") for exponent in range(-20, 1))
"""The false positive rates: 5 a decade, from 0.0001 to 1, among them 0.001, 0.01 and 0.1."""


def roc_band(
    scores: Floats, member: Bools, roc: Roc, over: Over, grid: Sequence[float] = GRID
) -> NDArray[np.float32]:
    """Return the TPR at each FPR of a grid, and the ends of its 95% interval.

    The intervals are on the arcsine scale, as those of a row's TPR, and each holds by itself.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), with members and non-members.
        roc: the curve of these scores.
        over: what the intervals take to be samples.
        grid: the FPRs, ascending.

    Returns:
        float32 (3, FPRs): TPR, lower end and upper end; NaN where the FPR is not resolved.
    """
    band = np.full((3, len(grid)), np.nan, dtype=np.float32)
    resolved = [(i, fpr) for i, fpr in enumerate(grid) if roc.tpr_at_fpr(fpr) is not None]
    counts = _Counts(scores, member, [fpr for _, fpr in resolved])
    m, n = scores.shape
    n_clusters = {"models and records": min(m, n), "models": m, "records": n}[over]
    for position, (i, fpr) in enumerate(resolved):
        rate = roc.tpr_at_fpr(fpr)
        assert rate is not None
        error = counts.variance(position, rate, roc_slope(roc, fpr), over) ** 0.5
        ends = (0.0, 1.0)
        if fpr == 1:
            ends = (1.0, 1.0)
        elif np.isfinite(error):
            ends = arcsine_t(rate, error, n_clusters, min(roc.n_members, roc.n_nonmembers))
        band[:, i] = rate, *ends
    return band


class _Counts:
    """How many members and non-members of each model, and of each record, pass each threshold."""

    def __init__(self, scores: Floats, member: Bools, fprs: list[float]) -> None:
        outside = np.sort(scores[~member])[::-1]
        thresholds = np.array([_threshold(outside, scores, fpr) for fpr in fprs])
        # The first FPR, from small to large, at which a pair passes.
        first = np.searchsorted(-thresholds, -scores.ravel(), side="left").reshape(scores.shape)
        self.member = member
        self.by_model = [_passing(first, inside, len(fprs)) for inside in (member, ~member)]
        self.by_record = [_passing(first.T, inside.T, len(fprs)) for inside in (member, ~member)]

    def variance(self, position: int, tpr: float, slope: float, over: Over) -> float:
        """Return the variance of the TPR at one of the FPRs, given the slope of the ROC curve there."""
        n_in, n_out = int(self.member.sum()), int((~self.member).sum())
        fpr = self.by_model[1][:, position].sum() / n_out

        def sums(passing: list[Ints], axis: int) -> Floats:
            inside, outside = (counts[:, position] for counts in passing)
            members = self.member.sum(axis=axis)
            nonmembers = self.member.shape[axis] - members
            total: Floats = (inside - tpr * members) / n_in
            total -= slope * (outside - fpr * nonmembers) / n_out
            return total

        of_models, of_records = sums(self.by_model, 1), sums(self.by_record, 0)
        squares = tpr * (1 - tpr) / n_in + slope**2 * fpr * (1 - fpr) / n_out
        if over == "models and records":
            return variance_of_sums(of_models, of_records, squares)
        of = of_models if over == "models" else of_records
        return len(of) / (len(of) - 1) * float((of**2).sum()) if len(of) > 1 else float("inf")


def _threshold(outside: Floats, scores: Floats, fpr: float) -> float:
    """Return a score that at most a share ``fpr`` of non-members (descending) have or exceed."""
    allowed = allowed_false_positives(fpr, len(outside))
    if allowed >= len(outside):
        return float(scores.min())
    return float(np.nextafter(outside[allowed], np.inf))


def _passing(first: Ints, inside: Bools, n_fprs: int) -> Ints:
    """Return how many of the pairs ``inside`` (rows, columns) pass at each FPR, as (rows, FPRs)."""
    rows = np.broadcast_to(np.arange(len(first))[:, None], first.shape)[inside]
    flat = rows * (n_fprs + 1) + first[inside]
    counts = np.bincount(flat, minlength=len(first) * (n_fprs + 1)).reshape(len(first), -1)
    return np.cumsum(counts[:, :n_fprs], axis=1)
