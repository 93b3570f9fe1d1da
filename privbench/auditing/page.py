"""The report of an audit as one HTML page: plain words first, and the technical part below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from privbench.auditing.measured import measured_defenses
from privbench.auditing.pictured import RATES, accused_first, picture_of, rates_of
from privbench.auditing.predictions import Predictions
from privbench.auditing.report import AttackReport, Audit
from privbench.auditing.skipped import by_reason
from privbench.auditing.slices import Slice
from privbench.auditing.tables import AUDITED_NOTE, intervals_note, warning_notes
from privbench.metrics.warnings import KINDS
from privbench.report.html.environment import facts_of, render
from privbench.report.html.words import one_in
from privbench.stages.records import MIN_MODELS
from privbench.wording import plural

GOOD_SHADOWS = 16
"""Number of shadow models that the page advises."""
MAX_SLICES = 12
"""Slices of a column that are shown; of more, those that are exposed most."""
KNOWN = {
    "classification": "its label and the model's probability of each class",
    "regression": "its target and the model's prediction",
    "multi-label": "its labels and the model's probability of each label",
}
"""What the attacker knows of a record, by task."""
LABEL = {"classification": "class", "regression": "target"}
"""What the list of records calls a label, by task."""
N_ACCUSED = 10


@dataclass(frozen=True)
class Exposed:
    """A record of the list of the most exposed ones."""

    record: int
    name: str
    """Its identifier, if the file has one; of a group its name."""
    label: str
    """Its class, or target; empty for several labels and for groups."""
    auc: float | None
    """Over models."""
    wrongly: int | None
    """Of a single model: non-members that are accused before it, or with it."""


def audit_page(report: Audit, command: str = "") -> str:
    """Return the page.

    Args:
        report: the audit.
        command: the command that made it, to be shown.
    """
    attack = _chosen(report)
    marked = [warning for one in report.attacks.values() for warning in one.warnings]
    canary_attack = None if report.canaries is None else _chosen(report.canaries)
    return render(
        "audit.html",
        report=report,
        canary_attack=canary_attack,
        canary_rates=rates_of(canary_attack) if canary_attack else [],
        command=command,
        attack=attack,
        notes=KINDS,
        ranked=sorted(report.attacks.items(), key=lambda item: -item[1].summary.auc),
        rates=rates_of(attack) if attack else [],
        exposed=_exposed(report, attack) if attack else [],
        slices=_by_column(report.slices),
        n_tests=sum(one.p_value is not None for one in report.slices),
        untested=by_reason(report.skipped),
        next_steps=list(_next_steps(report)),
        boards=measured_defenses(),
        roc=picture_of(report.attacks, report.chosen, report.member),
        table_notes=[intervals_note(report), AUDITED_NOTE, *warning_notes(marked)],
        facts=facts_of(report.environment),
        min_models=MIN_MODELS,
        known=KNOWN[report.target.task],
        label=LABEL.get(report.target.task, "") if report.unit == "record" else "",
    )


def audit_fragment(report: Audit) -> str:
    """Return what a notebook shows: the main sentence and the table of attacks."""
    attack = _chosen(report)
    return render(
        "audit_fragment.html",
        report=report,
        attack=attack,
        rates=rates_of(attack) if attack else [],
        ranked=sorted(report.attacks.items(), key=lambda item: -item[1].summary.auc),
        notes=KINDS,
        untested=by_reason(report.skipped),
    )


def _chosen(report: Audit) -> AttackReport | None:
    return report.attacks[report.chosen] if report.chosen else None


def _exposed(report: Audit, attack: AttackReport) -> list[Exposed]:
    """Return the most exposed records; of a single model, the members with the highest scores."""
    target = report.target
    names = target.record_ids if target.groups is None else target.groups.names

    def record(number: int, auc: float | None = None, wrongly: int | None = None) -> Exposed:
        label = _label(target, number)
        if report.training is not None and names is not None:  # its place in `x` says it all
            return Exposed(int(names[number]), "", label, auc, wrongly)
        return Exposed(number, "" if names is None else str(names[number]), label, auc, wrongly)

    if len(target) > 1:
        risk = attack.record_risk
        return [
            record(one["record"], auc=one["auc"]) for one in (risk["most_exposed"] if risk else [])
        ]
    accused = accused_first(attack.scores[0], report.member[0], N_ACCUSED)
    return [record(number, wrongly=wrongly) for number, wrongly in accused]


def _label(target: Predictions, number: int) -> str:
    """Return the class or the target of a record; nothing for several labels and for groups."""
    if target.groups is not None or target.task not in LABEL:
        return ""
    label = target.labels[number]
    return target.class_name(label) if target.task == "classification" else f"{label:.6g}"


def _by_column(slices: list[Slice]) -> list[tuple[str, list[Slice], int]]:
    """Return the slices of each column, the most exposed ones first, and how many are left out."""
    columns = []
    for column, group in groupby(slices, key=lambda one: one.column):
        of_column = list(group)
        ordered = sorted(of_column, key=lambda one: 1.0 if one.tpr is None else -one.tpr)
        columns.append((column, ordered[:MAX_SLICES], len(ordered[MAX_SLICES:])))
    return columns


def _next_steps(report: Audit) -> Iterator[str]:
    """Yield what would make the audit say more."""
    n_models = len(report.target)
    if report.shadows in ("none", "other records"):
        yield (
            f"Train {GOOD_SHADOWS} shadow models with your own recipe, each on a random half of the"
            " records, and give their predictions on the same records (`--shadow`, in Python"
            " `shadow=`), or let `privbench audit-training` (`privbench.audit_training`) train them. The"
            " strongest attacks need them."
        )
    elif any(w["name"] == "few-shadows" for a in report.attacks.values() for w in a.warnings):
        yield f"Use more shadow models: {GOOD_SHADOWS} or more. Some attacks had too few here."
    if n_models < MIN_MODELS:
        yield (
            f"Give predictions of {MIN_MODELS} target models or more, better {GOOD_SHADOWS}: then the"
            " report says of single records whether they are more exposed than by chance."
        )
    n_out = int((~report.member).sum())
    for fpr in map(float, RATES):
        if n_out * fpr < 1:
            yield (
                f"Add records that no model was trained on: {plural(n_out, 'non-member')} cannot show"
                f" what happens at {one_in(fpr)} wrong accusations, which takes at least {1 / fpr:,.0f}."
            )
    yield (
        "Decide beforehand how much exposure you accept, and make it a test: for example"
        " `--fail-above tpr@0.01=0.05` ends with status 3 if that may be exceeded, and in Python"
        ' `report.exceeded({"tpr@0.01": 0.05})` is then not empty. privbench itself calls no number'
        " safe."
    )
