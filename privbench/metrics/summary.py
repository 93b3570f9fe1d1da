"""Everything that a row of results says about one attack's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import numpy as np

from privbench.metrics.bootstrap import DRAWS, FPRS, intervals_of
from privbench.metrics.interval import Interval
from privbench.metrics.pairs import Bools, Floats, Ints, Pairs
from privbench.metrics.roc import Roc
from privbench.metrics.threshold import balanced_accuracy


class TprAtFpr(TypedDict):
    """A TPR with its 95% interval; both None where the FPR is not ``resolved``."""

    value: float | None
    ci: Interval | None
    resolved: bool


@dataclass(frozen=True)
class Summary:
    """The metrics of one attack on one population, all pairs pooled; rates between 0 and 1.

    ``tpr_at_fpr`` is keyed by the FPR as text ("0.001"). Intervals are (low, high), 95%, over models.
    """

    auc: float
    auc_ci: Interval
    tpr_at_fpr: dict[str, TprAtFpr]
    balanced_accuracy: float | None
    advantage: float
    n_members: int
    n_nonmembers: int
    n_models: int

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers, without NaN."""
        found = asdict(self)
        found["auc_ci"] = list(self.auc_ci)
        for rate in found["tpr_at_fpr"].values():
            rate["ci"] = None if rate["ci"] is None else list(rate["ci"])
        return found


def summarise(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None,
    rng: np.random.Generator,
    fprs: Sequence[float] = FPRS,
    draws: int = DRAWS,
) -> Summary:
    """Summarise ``scores`` and ``member`` (models, records), larger = member.

    ``shadow_scores``, ``shadow_member`` and ``groups`` choose the thresholds of the balanced
    accuracy, see `balanced_accuracy`; ``rng`` draws the models of the intervals. For some of the
    records only, for example the canaries, slice the columns of all of them; models may then have
    different numbers of members, or none. Raises ValueError as `balanced_accuracy` and `intervals`.
    """
    accuracy = balanced_accuracy(scores, member, shadow_scores, shadow_member, groups)
    return summarise_pairs(Pairs.of(scores, member), accuracy, rng, fprs, draws)


def summarise_pairs(
    pairs: Pairs,
    balanced_accuracy: float | None,
    rng: np.random.Generator,
    fprs: Sequence[float] = FPRS,
    draws: int = DRAWS,
    *,
    n_models: int | None = None,
) -> Summary:
    """As `summarise`, of pairs already sorted; what their intervals resample are the rows.

    ``n_models`` where rows are not models, but groups of the records of one.
    """
    roc = Roc.of(pairs)
    found = intervals_of(pairs, roc, fprs, draws, rng)
    rates: dict[str, TprAtFpr] = {}
    for fpr in fprs:
        value = roc.tpr_at_fpr(fpr)
        interval = found.tpr_at_fpr[fpr]
        rates[str(float(fpr))] = {"value": value, "ci": interval, "resolved": value is not None}
    return Summary(
        auc=roc.auc,
        auc_ci=found.auc,
        tpr_at_fpr=rates,
        balanced_accuracy=balanced_accuracy,
        advantage=roc.advantage,
        n_members=roc.n_members,
        n_nonmembers=roc.n_nonmembers,
        n_models=pairs.n_models if n_models is None else n_models,
    )
