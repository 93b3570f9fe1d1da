"""What of an audit exceeds the limits that a user sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from privbench.auditing.sanity import MIN_PAIRS
from privbench.errors import BadInput
from privbench.metrics import Influences, Pairs, Roc, summarise_pairs
from privbench.metrics.subsets import gap_interval
from privbench.report.limits import RANGES, Ends, Exceeded, Metric, precision
from privbench.seeds import generator

if TYPE_CHECKING:
    from privbench.auditing.report import AttackReport, Audit
    from privbench.auditing.synthetic.measuring import DataAttack
    from privbench.auditing.synthetic.report import DataAudit

    AnyAudit: TypeAlias = Audit | DataAudit
    AnyAttack: TypeAlias = AttackReport | DataAttack


NOT_OF_TABLES = ("balanced_accuracy", "audited_epsilon")
"""The metrics of models that a single synthetic table does not have."""


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


def check_limits(limits: Mapping[str, float]) -> None:
    """Raise BadInput for a limit on a metric that a single synthetic table does not have."""
    for text in limits:
        if text in NOT_OF_TABLES:
            raise BadInput(
                f"{text} takes several models, and this is one synthetic table (allowed: auc, advantage,"
                " tpr@FPR, precision@FPR)"
            )
