"""The worst kind of canaries, corrected for having been chosen among several.

The largest of several estimates is too large: with six kinds that are equally exposed, it exceeds the
truth in 63 of 64 cases. So it is corrected, on the arcsine scale of a rate, on which each kind has an
estimate, a standard error and Student's t with (models - 1) degrees of freedom:

1. Interval: it has the level 1 - 0.05 / kinds (Bonferroni). The intervals of all kinds then hold
   together, so that of whichever kind is chosen does, however the kinds depend on each other.
2. Estimate: each kind's estimate is reduced by c standard errors, and the kind with the largest
   remaining one is chosen. c is the median of the largest of m independent t variables, where m counts
   the kinds whose interval reaches the largest lower end. If these m are equally exposed and
   independent, the result is too large half of the time; if they depend on each other, more seldom. A
   kind that stands out alone (m = 1) keeps its estimate.

The estimate is that of Chernozhukov, Lee, Rosen 2013 (Econometrica 81:667, arXiv 0907.3503), whose kinds
are selected by a bound that shrinks as samples grow; intervals that hold together are simpler.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from privbench.metrics.interval import LEVEL, Interval, t_quantile
from privbench.metrics.pairs import Floats
from privbench.report.frontier import exposure_of, interval_of
from privbench.report.seeds import n_clusters
from privbench.storage.results import Row

TRIAL = ("benchmark", "dataset", "defense", "model", "attack", "knowledge", "seed")


def worst_kinds(rows: Sequence[Row], measure: str) -> list[Row]:
    """Merge the rows of each trial's kinds of canaries into one, of the worst kind.

    Args:
        rows: rows of results about canaries.
        measure: ``auc``, or ``tpr`` at 1% FPR.

    Returns:
        A row for each trial that has a value. Its ``canary_kind`` is the worst, and ``measure`` and its
        interval are corrected for the choice. With one kind the row is as it was.
    """
    kinds_of: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if exposure_of(row, measure) is not None:
            kinds_of.setdefault(tuple(row[name] for name in TRIAL), []).append(row)
    return [_worst_kind(kinds, measure) for kinds in kinds_of.values()]


def named(cell: str, row: Row | None) -> str:
    """Return the text of a cell with the kind of canaries that a row is about.

    Rows of earlier versions name no kind.
    """
    kind = None if row is None else row["canary_kind"]
    return cell if kind is None else f"{cell} {kind}"


def largest(
    estimates: Sequence[float], intervals: Sequence[Interval], n_models: int
) -> tuple[int, float, Interval]:
    """Choose and estimate the largest of several rates, as this module describes.

    Args:
        estimates: the estimate of each rate, in [0, 1].
        intervals: the 95% interval of each.
        n_models: number of models, or of seeds.

    Returns:
        Which rate is chosen as the largest, its corrected estimate, and its 95% interval.
    """
    from scipy.special import stdtrit

    value = _angle(np.array(estimates))
    low, high = _angle(np.array(intervals)).T
    quantile = t_quantile(n_models)
    below, above = (value - low) / quantile, (high - value) / quantile  # standard errors
    together = stdtrit(n_models - 1, 1 - (1 - LEVEL) / 2 / len(value))
    low, high = value - together * below, value + together * above
    contenders = int((high >= low.max()).sum())
    corrected = value - stdtrit(n_models - 1, 0.5 ** (1 / contenders)) * below
    worst = int(corrected.argmax())
    return worst, _rate(corrected[worst]), (_rate(low[worst]), _rate(high[worst]))


def _worst_kind(rows: list[Row], measure: str) -> Row:
    if len(rows) == 1:
        return rows[0]
    values = [exposure_of(row, measure) or 0.0 for row in rows]
    ends = [interval_of(row, measure) or (v, v) for row, v in zip(rows, values, strict=True)]
    intervals = [(low, high) for low, high in ends]
    worst, value, interval = largest(values, intervals, n_clusters(rows[0]))
    row = rows[worst]
    if measure == "auc":
        return row | {"auc": value, "auc_ci": list(interval)}
    rate = row["tpr_at_fpr"]["0.01"] | {"value": value, "ci": list(interval)}
    return row | {"tpr_at_fpr": row["tpr_at_fpr"] | {"0.01": rate}}


def _angle(rate: Floats) -> Floats:
    angle: Floats = np.arcsin(np.sqrt(np.clip(rate, 0, 1)))
    return angle


def _rate(angle: float) -> float:
    return float(np.sin(np.clip(angle, 0, np.pi / 2)) ** 2)
