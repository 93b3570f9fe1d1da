"""The report of an audit as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench.report.views import interval_text, number

if TYPE_CHECKING:
    from privbench.auditing import AttackReport, Audit


def audit_text(audit: Audit) -> str:
    """A table of attacks, the strongest first, what failed and what was skipped."""
    from tabulate import tabulate

    n_models, n = audit.member.shape
    ranked = sorted(audit.attacks.items(), key=lambda item: -item[1].summary.auc)
    lines = [_line(name, report) for name, report in ranked]
    head = (
        f"{n_models} model{'s' if n_models > 1 else ''}, {n} records, shadows: {audit.shadows};"
        f" accuracy {number(audit.train_accuracy)} on members,"
        f" {number(audit.test_accuracy)} on others"
    )
    notes = [f"failed {name}: {reason}" for name, reason in audit.failed.items()]
    notes += [f"skipped {name}: {reason}" for name, reason in audit.skipped.items()]
    if not lines:
        return "\n".join([head, "", "No attack has given scores.", "", *notes])
    table = tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True)
    notes.insert(0, f"intervals: 95%, over {audit.intervals_over}")
    return "\n".join([head, "", table, "", *notes])


def _line(name: str, report: AttackReport) -> dict[str, str]:
    summary = report.summary
    rates = {fpr: (rate["value"], rate["ci"]) for fpr, rate in summary.tpr_at_fpr.items()}
    balanced = summary.balanced_accuracy
    return {
        "attack": name,
        "AUC\n[95% CI]": interval_text(summary.auc, summary.auc_ci),
        "TPR at\n0.1% FPR": interval_text(*rates["0.001"]),
        "TPR at\n1% FPR": interval_text(*rates["0.01"]),
        "balanced\naccuracy": "-" if balanced is None else number(balanced),
        "ε at\nleast": f"{report.epsilon_lower_bound:.2f}",
    }
