"""Limits that a user sets, and what exceeds them: privbench itself calls no number safe.

The upper end of an interval is judged, so that a small audit, whose intervals are wide, does not pass
because it saw little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from privbench.auditing.sanity import MIN_PAIRS
from privbench.components.messages import closest
from privbench.errors import BadInput
from privbench.metrics import Influences, Pairs, Roc, summarise_pairs
from privbench.metrics.interval import Interval
from privbench.metrics.precision import PRIOR
from privbench.metrics.subsets import gap_interval
from privbench.seeds import generator

if TYPE_CHECKING:
    from privbench.auditing.report import AttackReport, Audit
    from privbench.auditing.synthetic.measuring import DataAttack
    from privbench.auditing.synthetic.report import DataAudit

    AnyAudit: TypeAlias = Audit | DataAudit
    AnyAttack: TypeAlias = AttackReport | DataAttack

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


def exceeded(report: AnyAudit, limits: Mapping[str, float]) -> list[Exceeded]:
    """Return what exceeds limits, by limit, the largest upper end first; see `Audit.exceeded`."""
    if limits and not report.attacks:
        raise BadInput("no attack returned scores, so that no limit can be judged")
    found = []
    for text, limit in limits.items():
        metric = Metric.parse(text, "exceeded")
        if not isinstance(limit, int | float) or math.isnan(limit):
            raise BadInput(f"exceeded: {text}: the limit must be a number, got {limit!r}")
        ends = {
            name: measured
            for name, attack in report.attacks.items()
            if (measured := _ends(report, name, attack, metric)) is not None
        }
        if not ends:
            raise BadInput(f"{text} needs predictions of shadow models, and there are none")
        of_metric = []
        for name, (value, interval) in ends.items():
            is_bound = metric.name == "audited_epsilon" and value is not None
            judged = value if is_bound else interval[1]
            if judged is not None and judged > limit:
                of_metric.append((judged, Exceeded(text, name, value, interval, limit)))
        found += [one for _, one in sorted(of_metric, key=lambda pair: -pair[0])]
    return found


def _ends(report: AnyAudit, name: str, attack: AnyAttack, metric: Metric) -> Ends | None:
    """Return a metric and its interval; None if it is not defined for these predictions."""
    summary, member, over = attack.summary, report.member, attack.summary.interval_over
    if metric.name == "balanced_accuracy" and attack.called is None:
        return None
    if min(int(member.sum()), int((~member).sum())) < MIN_PAIRS:
        return None, RANGES.get(metric.name, (0.0, 1.0))
    if metric.name == "auc":
        return summary.auc, summary.auc_ci
    if metric.name == "audited_epsilon":
        return attack.epsilon_lower_bound, (attack.epsilon_lower_bound, math.inf)
    if metric.name == "advantage":
        roc = Roc.of(Pairs.of(attack.scores, member))
        return gap_interval(_best_calls(attack, roc), member, over)
    if metric.name == "balanced_accuracy":
        assert attack.called is not None
        gap, (low, high) = gap_interval(attack.called, member, over)
        return (1 + gap) / 2, ((1 + low) / 2, (1 + high) / 2)
    assert metric.fpr is not None
    value, interval = _tpr(report, name, attack, metric.fpr)
    if metric.name == "tpr":
        return value, interval
    low, high = (precision(rate, metric.fpr) for rate in interval)
    return None if value is None else precision(value, metric.fpr), (low, high)


def precision(tpr: float, fpr: float, prior: float = PRIOR) -> float:
    """Return the share of members among those that are called members, if a share ``prior`` are.

    >>> round(precision(0.5, 0.01), 3)
    0.336
    """
    return prior * tpr / (prior * tpr + (1 - prior) * fpr)


def _tpr(report: AnyAudit, name: str, attack: AnyAttack, fpr: float) -> Ends:
    """Return the TPR at an FPR; where the FPR is unresolved, nothing is known of it."""
    known = attack.summary.tpr_at_fpr.get(str(fpr))
    if known is None:
        member = report.member
        pairs = (
            Pairs.of(attack.scores, member)
            if report.blocks is None
            else Pairs.grouped(attack.scores[0], member[0], report.blocks)
        )
        clustered = attack.summary.interval_over == "models and records"
        known = summarise_pairs(
            pairs,
            None,
            generator(report.seed, "intervals", name),
            (fpr,),
            n_models=len(member),
            influences=Influences.of(attack.scores, member, (fpr,)) if clustered else None,
        ).tpr_at_fpr[str(fpr)]
    return known["value"], known["ci"] or (0.0, 1.0)


def _best_calls(attack: AnyAttack, roc: Roc) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which pairs are called members at the threshold with the largest TPR - FPR."""
    gap = roc.true_positives / roc.n_members - roc.false_positives / roc.n_nonmembers
    at = int(gap.argmax())
    first = attack.scores.size - int(roc.true_positives[at]) - int(roc.false_positives[at])
    return np.asarray(attack.scores >= np.partition(attack.scores, first, axis=None)[first])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
