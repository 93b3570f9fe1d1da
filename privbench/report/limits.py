"""Limits that a user sets, and what exceeds them: privbench itself calls no number safe.

The upper end of an interval is judged, so that a small audit, whose intervals are wide, does not pass
because it saw little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from privbench.components.messages import closest
from privbench.errors import BadInput
from privbench.metrics.interval import Interval
from privbench.metrics.precision import PRIOR
from privbench.storage.results import Row

PLAIN = ("auc", "advantage", "balanced_accuracy", "audited_epsilon")
AT_FPR = ("tpr", "precision")
RANGES = {"audited_epsilon": (0.0, math.inf), "advantage": (-1.0, 1.0)}
"""The values that a metric may have, where these are not 0 to 1."""
ALLOWED = f"{', '.join(PLAIN)}, {', '.join(f'{name}@FPR' for name in AT_FPR)}, such as tpr@0.01"
Ends = tuple[float | None, Interval]
"""A value, None where it is unresolved, and its interval."""


@dataclass(frozen=True)
class Metric:
    """A metric that can have a limit, such as ``auc`` or ``tpr@0.01``."""

    text: str
    name: str
    fpr: float | None

    @classmethod
    def parse(cls, text: str, where: str) -> Metric:
        """Read the text of a metric.

        Raises:
            BadInput: there is no such metric; the message begins with ``where``.
        """
        name, at, rate = text.partition("@")
        if name not in (AT_FPR if at else PLAIN):
            hint = closest(name, (*PLAIN, *AT_FPR))
            raise BadInput(f"{where}: unknown metric {text!r}{hint} (allowed: {ALLOWED})")
        if not at:
            return cls(text, name, None)
        fpr = _number(rate)
        if fpr is None or not 0 < fpr < 1:
            raise BadInput(f"{where}: the FPR of {text!r} must be a number between 0 and 1")
        return cls(text, name, fpr)


@dataclass(frozen=True)
class Exceeded:
    """An attack whose metric exceeds a limit, or may do so."""

    metric: str
    attack: str
    value: float | None
    """None if there are too few non-members for its FPR."""
    interval: Interval
    limit: float

    def __str__(self) -> str:
        """Return a sentence."""
        if self.value is None and math.isinf(self.interval[1]):
            return f"{self.metric} of {self.attack} is unresolved, and the limit is {self.limit:g}"
        value = "unresolved" if self.value is None else f"{self.value:.4g}"
        if math.isinf(self.interval[1]):
            return (
                f"{self.metric} of {self.attack} is at least {value} (95%), which is above the limit"
                f" {self.limit:g}"
            )
        low, high = self.interval
        return (
            f"{self.metric} of {self.attack} is {value} [{low:.4g}, {high:.4g}], whose upper end is"
            f" above the limit {self.limit:g}"
        )


def parse_limits(texts: tuple[str, ...]) -> dict[str, float]:
    """Read limits such as ``tpr@0.01=0.05``, as ``--fail-above`` takes them.

    Raises:
        BadInput: the message names the text and what is allowed.
    """
    limits = {}
    for text in texts:
        metric, equals, number = text.rpartition("=")
        limit = _number(number)
        if not equals or limit is None:
            raise BadInput(f"--fail-above {text!r}: expected METRIC=NUMBER, such as tpr@0.01=0.05")
        _check_range(Metric.parse(metric, "--fail-above"), limit)
        limits[metric] = limit
    return limits


def _check_range(metric: Metric, limit: float) -> None:
    """Raise BadInput for a limit that every value keeps, or none, such as 60 for an AUC of .60."""
    low, high = RANGES.get(metric.name, (0, 1))
    if not low <= limit <= high:
        raise BadInput(f"--fail-above {metric.text}={limit:g} (allowed: from {low:g} to {high:g})")


def precision(tpr: float, fpr: float, prior: float = PRIOR) -> float:
    """Return the share of members among those that are called members, if a share ``prior`` are.

    >>> round(precision(0.5, 0.01), 3)
    0.336
    """
    return prior * tpr / (prior * tpr + (1 - prior) * fpr)


def rows_exceeding(rows: Iterable[Row], limits: Mapping[str, float]) -> list[Exceeded | str]:
    """Return which rows of results exceed limits, by limit, the largest upper end first.

    Which rows are judged:

    1. those of all defenses; those of ``none``, the baseline, only if there is no other defense;
    2. of ordinary records, for all limits; of canaries for ``audited_epsilon`` alone, since canaries are
       to be found, and are few;
    3. of these, not what is skipped. Rows that failed cannot be judged, and that is returned as well.

    Args:
        rows: rows of results.
        limits: as `parse_limits` returns them.

    Raises:
        BadInput: rows have no such metric, or there are no rows to judge.
    """
    every = [row for row in rows if row["status"] != "skipped"]
    judged = [row for row in every if row["defense"] != "none"] or every
    if limits and not judged:
        raise BadInput("--fail-above: there are no rows to judge")
    found: list[Exceeded | str] = []
    for text, limit in limits.items():
        metric = Metric.parse(text, "--fail-above")
        above = sorted(_above(judged, metric, limit), key=lambda pair: -pair[0])
        found += [one for _, one in above]
    failed = [row for row in judged if row["status"] != "ok"] if limits else []
    return [*found, *dict.fromkeys(f"{_name(row)} {row['status']}: not judged" for row in failed)]


def _above(rows: Iterable[Row], metric: Metric, limit: float) -> Iterator[tuple[float, Exceeded]]:
    """Yield the rows that exceed a limit, each with the end that is judged."""
    is_bound = metric.name == "audited_epsilon"
    for row in rows:
        if row["status"] != "ok" or (row["subset"] != "records" and not is_bound):
            continue
        value, interval = _ends(row, metric)
        judged = value if is_bound else interval[1]
        if judged is not None and judged > limit:
            yield judged, Exceeded(metric.text, _name(row), value, interval, limit)


def _ends(row: Row, metric: Metric) -> Ends:
    """Return a metric of a row and its interval; nothing is known of a TPR that is unresolved."""
    if metric.name == "auc":
        return row["auc"], tuple(row["auc_ci"])
    if metric.name == "audited_epsilon":
        bound = row["audited_epsilon"]
        return bound, (0.0 if bound is None else bound, math.inf)
    rates = {float(fpr): rate for fpr, rate in (row["tpr_at_fpr"] or {}).items()}
    if metric.fpr not in rates:
        known = [f"{name}@{fpr:g}" for name in AT_FPR for fpr in rates]
        allowed = ", ".join(["auc", "audited_epsilon", *known])
        raise BadInput(f"--fail-above {metric.text}: rows have no such metric (allowed: {allowed})")
    rate = rates[metric.fpr]
    ends: Ends = (rate["value"], tuple(rate["ci"] or (0.0, 1.0)))
    if not rate["resolved"]:
        ends = None, (0.0, 1.0)
    if metric.name == "tpr":
        return ends
    value, (low, high) = ends
    of_value = None if value is None else precision(value, metric.fpr)
    return of_value, (precision(low, metric.fpr), precision(high, metric.fpr))


def _name(row: Row) -> str:
    """Return what a row is about, in a sentence."""
    canaries = f", canaries ({row['canary_kind']})" if row["canary_kind"] else ""
    return (
        f"{row['attack']} ({row['knowledge']}) on {row['dataset']}/{row['defense']}/{row['model']}"
        f"{canaries}, seed {row['seed']},"
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
