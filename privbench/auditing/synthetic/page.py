"""The report on a synthetic table as one HTML page: plain words first, and the technical part below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privbench.auditing.limits import precision
from privbench.auditing.synthetic.measuring import DataAttack
from privbench.auditing.synthetic.report import DataAudit
from privbench.metrics.interval import Interval
from privbench.metrics.warnings import KINDS
from privbench.report.html.environment import facts_of, render
from privbench.report.html.roc import Picture

RATES = ("0.01", "0.001")
"""The false positive rates that sentences are about, as texts."""


@dataclass(frozen=True)
class Rate:
    """What the attack finds at one false positive rate."""

    fpr: float
    tpr: tuple[float | None, Interval | None]
    precision: tuple[float | None, Interval | None]
    """Share of right accusations if one of 100 suspects is a member."""


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
        roc=_picture(report),
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
        "rates": _rates(attack) if attack else [],
        "ranked": sorted(report.attacks.items(), key=lambda item: -item[1].summary.auc),
        "marks": KINDS,
    }


def _rates(attack: DataAttack) -> list[Rate]:
    rates = []
    for text in RATES:
        fpr, measured = float(text), attack.summary.tpr_at_fpr[text]
        value, ends = measured["value"], measured["ci"]
        right = None if value is None else precision(value, fpr)
        of_ends = None if ends is None else (precision(ends[0], fpr), precision(ends[1], fpr))
        rates.append(Rate(fpr, (value, ends), (right, of_ends)))
    return rates


def _picture(report: DataAudit) -> Picture | None:
    if not report.attacks:
        return None
    order = sorted(
        report.attacks.items(), key=lambda item: (item[0] != report.chosen, -item[1].summary.auc)
    )
    curves = {name: (attack.scores, attack.summary.interval_over) for name, attack in order}
    return Picture.of(curves, report.member)
