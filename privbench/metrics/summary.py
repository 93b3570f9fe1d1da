"""Metrics of one attack on one population, as a row of results reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import numpy as np

from privbench.metrics.bootstrap import DRAWS, FPRS, intervals_of
from privbench.metrics.clustered import Over
from privbench.metrics.influence import Influences
from privbench.metrics.interval import Interval
from privbench.metrics.pairs import Bools, Floats, Ints, Pairs
from privbench.metrics.roc import Roc
from privbench.metrics.threshold import balanced_accuracy


class TprAtFpr(TypedDict):
    """TPR at an FPR, with its 95% interval; both are None where the FPR is not ``resolved``."""

    value: float | None
    ci: Interval | None
    resolved: bool


@dataclass(frozen=True)
class Summary:
    """Metrics of one attack on one population, over all pairs pooled. Rates lie in [0, 1].

    Attributes:
        auc: area under the ROC curve.
        auc_ci: 95% interval (low, high) of the AUC.
        tpr_at_fpr: TPR and its 95% interval, keyed by the FPR as text ("0.001").
        balanced_accuracy: at thresholds chosen on shadows; None where there are none.
        advantage: largest TPR - FPR.
        n_members: number of member pairs.
        n_nonmembers: number of non-member pairs.
        n_models: number of models.
        interval_over: what the intervals take to be samples: "models and records" for an attack with
            shadows, "models" for others, or "records" of a single model.
    """

    auc: float
    auc_ci: Interval
    tpr_at_fpr: dict[str, TprAtFpr]
    balanced_accuracy: float | None
    advantage: float
    n_members: int
    n_nonmembers: int
    n_models: int
    interval_over: Over

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as dictionaries, lists and numbers, without NaN."""
        values = asdict(self)
        values["auc_ci"] = list(self.auc_ci)
        for rate in values["tpr_at_fpr"].values():
            rate["ci"] = None if rate["ci"] is None else list(rate["ci"])
        return values


def summarise(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None,
    rng: np.random.Generator,
    fprs: Sequence[float] = FPRS,
    draws: int = DRAWS,
    *,
    influences: Influences | None = None,
) -> Summary:
    """Compute all metrics of one attack on one population.

    An attack with shadows makes the scores of one model depend on the other models. Intervals then hold
    only if ``influences`` are given.

    To summarise some of the records, for example the canaries, pass their columns of every array;
    models may then have different numbers of members, or none.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        shadow_scores: float64 (models, records), see `balanced_accuracy`.
        shadow_member: bool (models, records), see `balanced_accuracy`.
        groups: int (records,), one threshold of the balanced accuracy for each group; or None.
        rng: draws the models of the bootstrap.
        fprs: the FPRs at which the TPR is reported.
        draws: number of bootstrap draws.
        influences: `Influences.of` the scores, for intervals that are clustered by models and records;
            None for a bootstrap over models.

    Raises:
        ValueError: as `balanced_accuracy` and `intervals`.
    """
    accuracy = balanced_accuracy(scores, member, shadow_scores, shadow_member, groups)
    pairs = Pairs.of(scores, member)
    return summarise_pairs(pairs, accuracy, rng, fprs, draws, influences=influences)


def summarise_pairs(
    pairs: Pairs,
    balanced_accuracy: float | None,
    rng: np.random.Generator,
    fprs: Sequence[float] = FPRS,
    draws: int = DRAWS,
    *,
    n_models: int | None = None,
    influences: Influences | None = None,
) -> Summary:
    """Compute all metrics of sorted pairs, as `summarise`. A bootstrap resamples their rows.

    Args:
        pairs: the pairs of all models, or of groups of one model's records.
        balanced_accuracy: the value to report.
        rng: draws the rows of the bootstrap.
        fprs: the FPRs at which the TPR is reported.
        draws: number of bootstrap draws.
        n_models: the number of models to report, where rows are groups of one model's records.
        influences: see `summarise`.
    """
    roc = Roc.of(pairs)
    if influences is None:
        ci = intervals_of(pairs, roc, fprs, draws, rng)
        interval_over: Over = "models" if n_models is None or n_models > 1 else "records"
    else:
        ci, interval_over = influences.intervals(roc), "models and records"
    rates: dict[str, TprAtFpr] = {}
    for fpr in fprs:
        value = roc.tpr_at_fpr(fpr)
        interval = ci.tpr_at_fpr[fpr]
        rates[str(float(fpr))] = {"value": value, "ci": interval, "resolved": value is not None}
    return Summary(
        auc=roc.auc,
        auc_ci=ci.auc,
        tpr_at_fpr=rates,
        balanced_accuracy=balanced_accuracy,
        advantage=roc.advantage,
        n_members=roc.n_members,
        n_nonmembers=roc.n_nonmembers,
        n_models=pairs.n_models if n_models is None else n_models,
        interval_over=interval_over,
    )
