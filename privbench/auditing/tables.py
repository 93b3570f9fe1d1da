"""The report of an audit as tables, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from sys import maxsize
from typing import TYPE_CHECKING

from privbench.auditing.skipped import skipped_notes
from privbench.auditing.slices import Slice
from privbench.colour import Paint, Styled, plain
from privbench.metrics.warnings import KINDS, RowWarning
from privbench.report.numbers import interval_text, number
from privbench.report.tables import Table
from privbench.report.terminal import NOTE_WIDTH, terminal_text

if TYPE_CHECKING:
    from privbench.auditing.report import AttackReport, Audit

AUDITED_NOTE = (
    "audited ε: lower bound on ε (95%) if all (model, record) pairs are independent, of its ceiling:"
    " the bound of an attack without an error"
)
OPTIONAL = ("balanced\naccuracy", "TPR at\n0.1% FPR")
"""Headers of columns that are left out on a narrow terminal, in this order."""
SLICES_OPTIONAL = ("FPR", "non-members", "members")
HOW_TO_SEE = "all columns: a wider terminal, or -o FILE.md"
STRONGER = (
    "without shadow models, only weak attacks can be run: `privbench audit-training FILE.py` trains some"
    " with your code, or give their predictions with --shadow"
)
CANARIES_TITLE = "canaries (records with a wrong label, of a second population)"
NOTHING = "No attack returned scores."
SLICES_TITLE = "What {} finds in parts of the records"
SLICES_NOTE = (
    "TPR and FPR at the threshold whose FPR over all records is 1%; AUC of the pairs of the part alone;"
    " differs: from the AUC of all other pairs, at 5%, corrected by Holm for all lines"
)
SLICES_AS_WELL = "classes, and right and wrong answers, are slices as well: -o FILE.md"


def audit_text(audit: Audit, width: int | None = None, paint: Paint = plain) -> str:
    """Return the table of the attacks for a terminal, the strongest first, and that of canaries.

    Between them is a table of slices if columns were named for them.

    Args:
        audit: the report.
        width: the width of the terminal; None if there is none.
        paint: how text is coloured.
    """
    table = _table_of_attacks(audit)
    text = _text(table, width, paint, audit.warning_texts())
    if audit.target.columns and audit.slices:
        text += "\n\n" + _text(_table_of_slices(audit, list(audit.target.columns)), width, paint)
    if audit.canaries is not None:
        of_canaries = _table_of_canaries(audit.canaries)
        more = tuple(note for note in of_canaries.notes if note not in table.notes)
        text += "\n\n" + _text(replace(of_canaries, notes=more), width, paint)
    return text if paint is plain else Styled(text)


def audit_tables(audit: Audit) -> list[Table]:
    """Return the table of the attacks, the strongest first, of the slices, and of canaries."""
    tables = [_table_of_attacks(audit)]
    if audit.slices:
        tables.append(_table_of_slices(audit))
    if audit.canaries is not None:
        tables.append(_table_of_canaries(audit.canaries))
    return tables


def intervals_note(audit: Audit) -> str:
    """Return what the intervals take to be samples, which depends on the attack."""
    over = {report.summary.interval_over for report in audit.attacks.values()}
    if len(over) == 1:
        text = f"intervals: 95%, over {over.pop()}"
    else:
        text = "intervals: 95%, over models and records for attacks with shadows, else over models"
    return text.replace("records", f"{audit.unit}s")


def warning_notes(warnings: Iterable[RowWarning]) -> list[str]:
    """Return what the marks of warnings stand for."""
    given = {warning["name"] for warning in warnings}
    return [f"{kind.mark}: {kind.note}" for name, kind in KINDS.items() if name in given]


def _table_of_attacks(audit: Audit) -> Table:
    ranked = sorted(audit.attacks.items(), key=lambda item: -item[1].summary.auc)
    lines = [_line(name, report) for name, report in ranked]
    marks = warning_notes(one for _, report in ranked for one in report.warnings)
    if not marks:
        lines = [{h: text for h, text in line.items() if h != "warnings"} for line in lines]
    notes = [
        *(audit.training.notes() if audit.training is not None else []),
        *([intervals_note(audit), AUDITED_NOTE, *marks] if lines else [NOTHING]),
        *(f"read: {note}" for note in audit.target.notes),
        *(f"failed {name}: {reason}" for name, reason in audit.failed.items()),
        *skipped_notes(audit.skipped),
        *([audit.say(STRONGER)] if lines and _is_without_shadows(audit) else []),
    ]
    return Table(audit.header(), lines, tuple(notes), optional=OPTIONAL)


def _is_without_shadows(audit: Audit) -> bool:
    return audit.shadows == "none" and audit.target.task != "multi-label"


def _table_of_slices(audit: Audit, columns: Collection[str] | None = None) -> Table:
    """Return the table of slices; those of some columns, or of all."""
    lines = [_slice_line(one) for one in audit.slices if columns is None or one.column in columns]
    notes = [SLICES_NOTE]
    if columns is not None:
        notes.append(audit.say(SLICES_AS_WELL))
    return Table(SLICES_TITLE.format(audit.chosen), lines, tuple(notes), optional=SLICES_OPTIONAL)


def _table_of_canaries(canaries: Audit) -> Table:
    table = _table_of_attacks(canaries)
    return replace(table, title=f"{CANARIES_TITLE}: {table.title}")


def _text(table: Table, width: int | None, paint: Paint, warned: Sequence[str] = ()) -> str:
    """Return a table for a terminal, below warnings; without a terminal, a note is on one line."""
    note_width = NOTE_WIDTH if width else maxsize
    text = terminal_text(
        table, width, paint, how_to_see=HOW_TO_SEE, note_width=note_width, warned=warned
    )
    return text.rstrip("\n")


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
        "audited ε\nof ceiling": f"{report.epsilon_lower_bound:.2f} of {report.epsilon_ceiling:.2f}",
        "warnings": "".join(KINDS[warning["name"]].mark for warning in report.warnings),
    }


def _slice_line(one: Slice) -> dict[str, str]:
    known = one.auc is not None
    return {
        "column": one.column,
        "value": one.value,
        "members": str(one.n_members),
        "non-members": str(one.n_nonmembers),
        "TPR [95% CI]": interval_text(one.tpr, one.tpr_ci) if known else "-",
        "FPR": "-" if one.fpr is None else number(one.fpr),
        "AUC [95% CI]": interval_text(one.auc, one.auc_ci) if known else "-",
        "differs": "-" if one.differs is None else "yes" if one.differs else "no",
    }
