"""The report on a synthetic table as one HTML page: plain words first, and the technical part below."""

from __future__ import annotations

from typing import Any

from privbench.auditing.pictured import picture_of, rates_of
from privbench.auditing.skipped import by_reason
from privbench.auditing.synthetic.report import DataAudit
from privbench.metrics.warnings import KINDS
from privbench.report.html.environment import facts_of, render


def data_page(report: DataAudit, command: str = "") -> str:
    """Return the page.

    Args:
        report: the audit.
        command: the command that made it, to be shown.
    """
    return render(
        "audit_data.html",
        **_values(report),
        command=command,
        exposed=report.exposed(),
        untested=by_reason(report.skipped),
        roc=picture_of(report.attacks, report.chosen, report.member),
        facts=facts_of(report.environment),
    )


def data_fragment(report: DataAudit) -> str:
    """Return what a notebook shows: the main sentence and the table of attacks."""
    return render("audit_data_fragment.html", **_values(report))


def _values(report: DataAudit) -> dict[str, Any]:
    attack = report.attacks[report.chosen] if report.chosen else None
    return {
        "report": report,
        "counts": report.rows.counts,
        "attack": attack,
        "rates": rates_of(attack) if attack else [],
        "ranked": sorted(report.attacks.items(), key=lambda item: -item[1].summary.auc),
        "marks": KINDS,
    }
