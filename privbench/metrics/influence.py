"""The influence of each (model, record) pair on the AUC and on the TPR at an FPR.

The influence of a pair is how much an estimate would rise if the pair counted a little more, per unit of
its weight. To first order an estimate differs from its truth by the sum of all influences, so that
sums over models and over records give a variance that is clustered by both (`clustered`), and
differences of the influences of two attacks give that of a paired difference.

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

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.bootstrap import FPRS
from privbench.metrics.pairs import Bools, Floats, Pairs
from privbench.metrics.roc import Roc, allowed_false_positives


def influences(
    scores: Floats, member: Bools, fprs: Sequence[float] = FPRS
) -> dict[str, NDArray[np.float32]]:
    """Return the influence of each pair on the AUC and on the TPR at each FPR, to be stored.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), with members and non-members.
        fprs: the FPRs; those that are not resolved have no influences.

    Returns:
        float32 (models, records) each, by name: ``auc_influence``, ``tpr_influence_0.01``.
    """
    roc = Roc.of(Pairs.of(scores, member))
    found = {"auc_influence": auc_influence(scores, member).astype(np.float32)}
    for fpr in fprs:
        psi = tpr_influence(scores, member, roc, fpr)
        if psi is not None:
            found[f"tpr_influence_{float(fpr)}"] = psi.astype(np.float32)
    return found


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
    n_members, n_nonmembers = roc.n_members, roc.n_nonmembers
    allowed = allowed_false_positives(fpr, n_nonmembers)
    if allowed == 0:
        return None
    n_passed = int(np.searchsorted(roc.false_positives, allowed, side="right"))
    if n_passed == 0:  # all that would pass are tied with too many others
        return np.zeros(scores.shape)
    true, false = roc.true_positives[n_passed - 1], roc.false_positives[n_passed - 1]
    n_pairs = int(true) + int(false)
    threshold = np.partition(scores, scores.size - n_pairs, axis=None)[scores.size - n_pairs]
    passes = scores >= threshold
    slope = roc_slope(roc, fpr)
    psi: Floats = np.where(
        member,
        (passes - true / n_members) / n_members,
        -slope * (passes - false / n_nonmembers) / n_nonmembers,
    )
    return psi


def roc_slope(roc: Roc, fpr: float) -> float:
    """Return the slope of the ROC curve at an FPR, over a window around it."""
    low, high = fpr / 2, min(2 * fpr, 1.0)
    rates = roc.false_positives / roc.n_nonmembers
    at = np.interp([low, high], np.append(0, rates), np.append(0, roc.true_positives))
    return float((at[1] - at[0]) / roc.n_members / (high - low))


def _share_below(ordered: Floats, values: Floats) -> Floats:
    """Return the share of ascending scores (n,) below each of the values (k,), ties counted half."""
    below = np.searchsorted(ordered, values, side="left")
    share: Floats = (below + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))
    return share
