"""The influence of each (model, record) pair on the AUC and on the TPR at an FPR.

The influence of a pair is how fast an estimate rises with the weight of the pair. To first order an
estimate differs from its truth by the sum of all influences, so that their sums over models and over
records give its variance (`clustered`), and the differences of the influences of two attacks give that
of a paired difference.

The AUC is a mean over member pairs of their placements, the shares of non-member pairs below them, and
a mean over non-member pairs likewise (DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837):

    psi = (share of non-member pairs below, ties half - AUC) / members       for a member pair
    psi = (share of member pairs above, ties half - AUC) / non-members       for a non-member pair

The TPR at an FPR depends on member pairs by the share of them that passes the threshold t, and on
non-member pairs by where the threshold is: if more of them pass, it rises, and the TPR falls by the
slope of the ROC curve (Pepe 2003, The Statistical Evaluation of Medical Tests, section 5.2.4):

    psi = ([score >= t] - TPR) / members                 for a member pair
    psi = -slope * ([score >= t] - FPR) / non-members    for a non-member pair
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.bootstrap import FPRS, Intervals
from privbench.metrics.clustered import proportion_interval, rate_interval
from privbench.metrics.pairs import Bools, Floats, Pairs
from privbench.metrics.roc import Roc, allowed_false_positives

MIN_BETWEEN = 8
"""Number of members from which on a chord of the ROC curve is trusted."""


@dataclass(frozen=True)
class Influences:
    """The influence of each pair on all estimates that have intervals.

    Attributes:
        auc: float64 (models, records), that on the AUC.
        tpr_at_fpr: float64 (models, records) for each FPR, that on the TPR; None where the FPR is not
            resolved.
    """

    auc: Floats
    tpr_at_fpr: dict[float, Floats | None]

    @classmethod
    def of(cls, scores: Floats, member: Bools, fprs: Sequence[float] = FPRS) -> Influences:
        """Compute the influence of each pair.

        Args:
            scores: float64 (models, records), larger = member.
            member: bool (models, records), which records each model was trained on.
            fprs: the FPRs at which the TPR is estimated.

        Raises:
            ValueError: if an FPR is outside [0, 1], and as `Pairs.of`.
        """
        roc = Roc.of(Pairs.of(scores, member))
        rates = {fpr: tpr_influence(scores, member, roc, fpr) for fpr in fprs}
        return cls(auc_influence(scores, member), rates)

    def intervals(self, roc: Roc) -> Intervals:
        """Return 95% intervals, clustered by models and records. ``roc`` is that of the scores."""
        n_pairs = min(roc.n_members, roc.n_nonmembers)
        rates = {fpr: roc.tpr_at_fpr(fpr) for fpr in self.tpr_at_fpr}
        return Intervals(
            proportion_interval(roc.auc, self.auc),
            {
                fpr: None if rate is None or psi is None else rate_interval(rate, psi, n_pairs)
                for (fpr, psi), rate in zip(self.tpr_at_fpr.items(), rates.values(), strict=True)
            },
        )

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return them to be stored, by name, such as ``auc_influence``, ``tpr_influence_0.01``."""
        named = {"auc_influence": self.auc} | {
            f"tpr_influence_{float(fpr)}": psi
            for fpr, psi in self.tpr_at_fpr.items()
            if psi is not None
        }
        return {name: psi.astype(np.float32) for name, psi in named.items()}


def auc_influence(scores: Floats, member: Bools) -> Floats:
    """Return the influence of each pair on the AUC.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), with members and non-members.

    Returns:
        float64 (models, records). They sum to zero over member pairs, and over non-member pairs.
    """
    inside, outside = scores[member], scores[~member]
    psi = np.empty(scores.shape)
    below = _share_below(np.sort(outside), inside)
    psi[member] = (below - below.mean()) / len(inside)
    above = 1 - _share_below(np.sort(inside), outside)
    psi[~member] = (above - above.mean()) / len(outside)
    return psi


def tpr_influence(scores: Floats, member: Bools, roc: Roc, fpr: float) -> Floats | None:
    """Return the influence of each pair on the TPR at an FPR; None where the FPR is unresolved.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), with members and non-members.
        roc: the curve of these scores.
        fpr: the FPR, in [0, 1].

    Returns:
        float64 (models, records). They sum to zero over member pairs, and over non-member pairs.
    """
    tpr = roc.tpr_at_fpr(fpr)
    if tpr is None:
        return None
    passes = passing(scores, roc, fpr)
    passed_wrongly = passes[~member].mean()
    psi: Floats = np.where(
        member,
        (passes - tpr) / roc.n_members,
        -roc_slope(roc, fpr) * (passes - passed_wrongly) / roc.n_nonmembers,
    )
    return psi


def passing(scores: Floats, roc: Roc, fpr: float) -> Bools:
    """Return which pairs (models, records) are called members at the largest TPR with FPR <= ``fpr``.

    Args:
        scores: float64 (models, records), larger = member.
        roc: the curve of these scores.
        fpr: the FPR, in [0, 1].
    """
    allowed = allowed_false_positives(fpr, roc.n_nonmembers)
    n_points = int(np.searchsorted(roc.false_positives, allowed, side="right"))
    if not n_points:
        return np.zeros(scores.shape, dtype=bool)
    at = n_points - 1
    n_passing = int(roc.true_positives[at]) + int(roc.false_positives[at])
    first = scores.size - n_passing
    passes: Bools = scores >= np.partition(scores, first, axis=None)[first]
    return passes


def roc_slope(roc: Roc, fpr: float) -> float:
    """Return the slope of the ROC curve at an FPR.

    It is that of the chord between the FPRs that are two standard errors away, if pairs were
    independent: FPR -+ 2 sqrt(FPR / non-members), cut to [0, 1]. If fewer than ``MIN_BETWEEN`` members
    lie between, by chance the curve may seem flat: then it is raised to the slope of the chord to the
    end (1, 1), below which that of a concave curve cannot be.

    Args:
        roc: the curve.
        fpr: the FPR, in [0, 1], above 0.
    """
    reach = 2 * np.sqrt(fpr / roc.n_nonmembers)
    ends = np.array([max(fpr - reach, 0.0), min(fpr + reach, 1.0)])
    false = np.append(0, roc.false_positives / roc.n_nonmembers)
    true = np.append(0, roc.true_positives / roc.n_members)
    low, at, high = np.interp([ends[0], fpr, ends[1]], false, true)
    slope = (high - low) / (ends[1] - ends[0])
    if (high - low) * roc.n_members < MIN_BETWEEN and fpr < 1:
        slope = max(slope, (1 - at) / (1 - fpr))
    return float(slope)


def _share_below(ordered: Floats, values: Floats) -> Floats:
    """Return the share of ascending scores (n,) below each of the values (k,), ties counted half."""
    below = np.searchsorted(ordered, values, side="left")
    share: Floats = (below + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))
    return share
