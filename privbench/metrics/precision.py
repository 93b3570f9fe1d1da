"""Precision at a small prior: how many of those that an adversary calls members are members.

Half of the pool are members of each model, which flatters precision. Where members are rare, as they are
among all people whom an adversary may suspect, it is (Jayaraman et al. 2021, arXiv 2005.10881)

    prior * TPR / (prior * TPR + (1 - prior) * FPR)

Thresholds are chosen on shadows, so the FPR on the target may be another than was asked for.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from privbench.metrics.pairs import Bools, Floats, check_scores, check_shapes
from privbench.metrics.roc import allowed_false_positives

PRIOR = 0.01
"""Share of members among the records that an adversary asks about."""


class PrecisionAtFpr(TypedDict):
    """Precision at thresholds of an FPR on shadows, with the rates on targets; None if unresolved.

    ``value`` is None, too, where no pair is called a member.
    """

    value: float | None
    tpr: float | None
    fpr: float | None


def precision_at_fpr(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    fpr: float,
    prior: float = PRIOR,
) -> PrecisionAtFpr:
    """Compute the precision over all pairs, each model at the threshold chosen on the others.

    The threshold is the smallest whose FPR on the shadows does not exceed ``fpr``. It is unresolved
    where ``fpr`` is smaller than one over the number of their non-members.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        shadow_scores: float64 (models, records). Row i stands for model i and is left out when it is the
            target; see `balanced_accuracy`.
        shadow_member: bool (models, records), the membership behind ``shadow_scores``.
        fpr: the FPR on shadows, in [0, 1].
        prior: share of members.

    Raises:
        ValueError: if the arrays do not fit together.
    """
    check_scores(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    called = np.zeros(member.shape, dtype=bool)
    for target in range(len(scores)):
        others = np.arange(len(scores)) != target
        limit = _limit(shadow_scores[others][~shadow_member[others]], fpr)
        if limit is None:
            return {"value": None, "tpr": None, "fpr": None}
        called[target] = scores[target] > limit
    true, false = float(called[member].mean()), float(called[~member].mean())
    positive = prior * true + (1 - prior) * false
    return {"value": prior * true / positive if positive else None, "tpr": true, "fpr": false}


def _limit(nonmembers: Floats, fpr: float) -> float | None:
    """Return the score above which at most a share ``fpr`` of non-members lie; None if unresolved."""
    allowed = allowed_false_positives(fpr, len(nonmembers)) if len(nonmembers) else 0
    if allowed == 0:
        return None
    if allowed == len(nonmembers):
        return -np.inf
    return float(-np.partition(-nonmembers, allowed)[allowed])
