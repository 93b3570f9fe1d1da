"""The report of an audit: what each attack achieved, as JSON and as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from sys import maxsize
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench import escape
from privbench.auditing.limits import Exceeded, exceeded
from privbench.auditing.predictions import Predictions
from privbench.auditing.quality import Quality
from privbench.auditing.skipped import skipped_notes
from privbench.auditing.slices import Slice, slices
from privbench.auditing.trained import Training
from privbench.colour import Paint, Styled, plain
from privbench.metrics import RecordRisk, Summary
from privbench.metrics.warnings import KINDS, RowWarning
from privbench.report.numbers import interval_text, number
from privbench.report.tables import Table
from privbench.report.terminal import NOTE_WIDTH, terminal_text

AUDITED_NOTE = (
    "audited ε: lower bound on ε (95%) if all (model, record) pairs are independent, of its ceiling:"
    " the bound of an attack without an error"
)
OPTIONAL = ("balanced\naccuracy", "TPR at\n0.1% FPR")
"""Headers of columns that are left out on a narrow terminal, in this order."""
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


@dataclass(frozen=True)
class AttackReport:
    """The metrics of one attack."""

    scores: NDArray[np.float64]
    """Scores (targets, records); larger means member."""
    called: NDArray[np.bool_] | None
    """Which pairs (targets, records) are called members at thresholds of shadows, if there are any."""
    summary: Summary
    epsilon_lower_bound: float
    epsilon_ceiling: float
    """What ``epsilon_lower_bound`` would be without an error."""
    epsilon_lower_bound_one_run: float | None
    """For a single model whose members were drawn by fair coins: see `one_run_bound`."""
    epsilon_ceiling_one_run: float | None
    """What ``epsilon_lower_bound_one_run`` would be without an error."""
    warnings: list[RowWarning]
    """Reasons to doubt the attack or its numbers."""
    find_risk: Callable[[], RecordRisk | None] = field(repr=False)
    """Computes `record_risk`."""
    name_records: Callable[[RecordRisk | None], list[dict[str, Any]]] = field(repr=False)
    """Returns `most_vulnerable`, given that."""

    @cached_property
    def record_risk(self) -> RecordRisk | None:
        """AUCs of single records, and what the largest would be by chance.

        None with fewer than 4 models. It is computed when it is asked for, since with many models that
        takes most of an audit.
        """
        return self.find_risk()

    @property
    def most_vulnerable(self) -> list[dict[str, Any]]:
        """The records with the largest AUC: ``record``, ``label``, ``auc``, and ``record_id`` if known.

        Of regression there is a ``target`` instead of a label, and of groups only the name, ``group``.
        """
        return self.name_records(self.record_risk)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as JSON values."""
        return {
            **self.summary.to_json(),
            "epsilon_lower_bound": self.epsilon_lower_bound,
            "epsilon_ceiling": self.epsilon_ceiling,
            "epsilon_lower_bound_one_run": self.epsilon_lower_bound_one_run,
            "epsilon_ceiling_one_run": self.epsilon_ceiling_one_run,
            "record_risk": self.record_risk,
            "most_vulnerable": self.most_vulnerable,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Input:
    """Predictions that an audit read."""

    role: str
    """``target`` or ``shadow``."""
    name: str
    """The name of the file; empty for arrays."""
    sha256: str | None
    """The digest of the file."""
    n_models: int
    n_records: int
    read_as: tuple[str, ...] = ()
    """What was taken for what, where there was a choice."""

    @classmethod
    def of(cls, role: str, source: object, predictions: Predictions) -> Input:
        """Describe predictions that came from ``source``, a file or arrays."""
        n_models, n_records = predictions.member.shape
        n_holdout, notes = predictions.n_holdout, predictions.notes
        if role == "holdout":
            n_records, notes = n_holdout, ()
        elif role == "target":
            n_records -= n_holdout
        size = n_models, n_records
        if not isinstance(source, str | Path):
            return cls(role, "", None, *size, read_as=notes)
        with Path(source).open("rb") as file:
            return cls(
                role,
                Path(source).name,
                file_digest(file, "sha256").hexdigest(),
                *size,
                predictions.notes,
            )


@dataclass(frozen=True)
class Audit:
    """The report on the predictions of one or more target models.

    ``print`` shows it as a table, and a notebook as HTML.
    """

    attacks: dict[str, AttackReport]
    skipped: dict[str, str]
    """Attacks that do not apply to these predictions, with the reason."""
    failed: dict[str, str]
    """Attacks that raised or returned no valid scores, with the message."""
    target: Predictions
    """The predictions that were attacked."""
    accuracy: float | None
    """Of several labels the mean over labels; None for regression."""
    train_accuracy: float | None
    test_accuracy: float | None
    shadows: str
    """Where the shadows come from: leave-one-out, same records, other records, or none."""
    blocks: NDArray[np.int64] | None
    """The block (records,) of each record, or group, of a single model, which intervals resample."""
    seed: int
    warnings: list[RowWarning]
    """Reasons to doubt the predictions themselves; see `privbench.auditing.sanity`."""
    environment: dict[str, Any]
    """Versions of software, the commit of the code, and hardware."""
    inputs: list[Input]
    """Where the predictions of the targets and of the shadows came from."""
    quality: list[Quality]
    """How well the models answer: accuracy, or R² and RMSE."""
    training: Training | None = field(default=None, kw_only=True)
    """How the models were made, if privbench trained them."""
    canaries: Audit | None = field(default=None, kw_only=True)
    """The audit of the canaries of a second population, if there is one."""

    @property
    def member(self) -> NDArray[np.bool_]:
        """Membership (targets, records), or (targets, groups) where groups of records are attacked."""
        groups, member = self.target.groups, self.target.member
        return member if groups is None else groups.member(member)

    @property
    def unit(self) -> str:
        """What is told apart: ``record``, or ``group`` of records."""
        return "record" if self.target.groups is None else "group"

    @property
    def chosen(self) -> str | None:
        """The attack that statements in words are about; None if no attack returned scores.

        1. ``auto``, which is chosen before its result is known;
        2. otherwise the attack with the largest AUC, which makes its numbers somewhat too large.
        """
        if "auto" in self.attacks:
            return "auto"
        return max(self.attacks, key=lambda name: self.attacks[name].summary.auc, default=None)

    @cached_property
    def slices(self) -> list[Slice]:
        """What the attack `chosen` finds in each class, in each column, and among right answers."""
        if self.chosen is None:
            return []
        attack = self.attacks[self.chosen]
        return slices(attack.scores, self.target, attack.summary.interval_over)

    def exceeded(self, limits: Mapping[str, float]) -> list[Exceeded]:
        """Return the attacks that exceed limits, judged by the upper ends of 95% intervals.

        An audited epsilon is a lower bound, and judged by itself. A TPR at an FPR that too few
        non-members resolve exceeds every limit below 1.

        Args:
            limits: the largest value allowed of ``auc``, ``advantage``, ``balanced_accuracy``,
                ``audited_epsilon``, ``tpr@FPR`` or ``precision@FPR``, such as ``{"tpr@0.01": 0.05}``.

        Returns:
            What exceeds them; empty if nothing does. ``str`` makes a sentence of each.

        Raises:
            BadInput: a metric is unknown, or no attack has it.
        """
        return exceeded(self, limits)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values, without scores."""
        return {
            "attacks": {name: report.to_json() for name, report in self.attacks.items()},
            "skipped": self.skipped,
            "failed": self.failed,
            "accuracy": self.accuracy,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": self.test_accuracy,
            "task": self.target.task,
            "quality": [one.to_json() for one in self.quality],
            "n_models": len(self.member),
            "n_records": self.target.member.shape[1],
            "n_groups": None if self.target.groups is None else len(self.target.groups),
            "shadows": self.shadows,
            "chosen": self.chosen,
            "slices": [one.to_json() for one in self.slices],
            "inputs": [asdict(one) for one in self.inputs],
            "warnings": self.warnings,
            "seed": self.seed,
            "environment": self.environment,
            "training": None if self.training is None else asdict(self.training),
            "canaries": None if self.canaries is None else self.canaries.to_json(),
        }

    def to_html(self, command: str = "") -> str:
        """Return the report as one page of HTML, which needs no network and runs no script.

        Args:
            command: the command that made it, to be shown.
        """
        from privbench.auditing.page import audit_page

        return audit_page(self, command)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from privbench.auditing.page import audit_fragment

        return audit_fragment(self)

    def to_markdown(self) -> str:
        """Return the report as Markdown: a table of the attacks, a table of the slices, and notes."""
        from privbench.report.formats import markdown

        warned = "".join(
            f"- **Warning:** {escape.markdown(text)}\n" for text in self.warning_texts()
        )
        return f"{warned}\n{markdown(self.tables())}" if warned else markdown(self.tables())

    def __str__(self) -> str:
        """Return a table of the attacks, the strongest first, and notes on the others."""
        return self.text()

    def text(self, width: int | None = None, paint: Paint = plain) -> str:
        """Return the same for a terminal: a table of the attacks, the strongest first, and notes.

        Args:
            width: the width of the terminal; None if there is none.
            paint: how text is coloured.
        """
        table = self._table_of_attacks()
        text = _text(table, width, paint, self.warning_texts())
        if self.canaries is not None:
            of_canaries = self.canaries._table_of_attacks()
            more = tuple(note for note in of_canaries.notes if note not in table.notes)
            title = f"{CANARIES_TITLE}: {of_canaries.title}"
            text += "\n\n" + _text(replace(of_canaries, title=title, notes=more), width, paint)
        return text if paint is plain else Styled(text)

    def warning_texts(self) -> list[str]:
        """Return what is doubtful about the predictions, as sentences."""
        return [one["text"] for one in self.warnings]

    @property
    def incomplete(self) -> bool:
        """Whether an attack failed, or a model could not be trained."""
        return bool(self.failed or (self.training is not None and self.training.failed))

    def nothing_applied(self) -> str:
        """Return why no attack ran, for an error message."""
        reasons = dict.fromkeys(self.skipped.values())
        return (
            f"no attack applies to these predictions: {'; '.join(reasons) or 'none was asked for'}"
        )

    def tables(self) -> list[Table]:
        """Return the table of the attacks, the strongest first, of the slices, and of canaries."""
        tables = [self._table_of_attacks()]
        if self.slices:
            title = SLICES_TITLE.format(self.chosen)
            lines = [_slice_line(one) for one in self.slices]
            tables.append(Table(title, lines, (SLICES_NOTE,)))
        if self.canaries is not None:
            of_canaries = self.canaries._table_of_attacks()
            title = f"{CANARIES_TITLE}: {of_canaries.title}"
            tables.append(replace(of_canaries, title=title))
        return tables

    def _table_of_attacks(self) -> Table:
        ranked = sorted(self.attacks.items(), key=lambda item: -item[1].summary.auc)
        lines = [_line(name, report) for name, report in ranked]
        notes = [self.intervals_note(), AUDITED_NOTE, *self.warning_notes()] if lines else []
        if not self.warning_notes():
            lines = [{h: text for h, text in line.items() if h != "warnings"} for line in lines]
        notes += [f"read: {note}" for note in self.target.notes]
        notes += [f"failed {name}: {reason}" for name, reason in self.failed.items()]
        notes += skipped_notes(self.skipped)
        if lines and self.shadows == "none" and self.target.task != "multi-label":
            notes.append(STRONGER)
        if not lines:
            notes[:0] = [NOTHING]
        if self.training is not None:
            notes[:0] = self.training.notes()
        return Table(self.header(), lines, tuple(notes), optional=OPTIONAL)

    def intervals_note(self) -> str:
        """Return what the intervals take to be samples, which depends on the attack."""
        over = {report.summary.interval_over for report in self.attacks.values()}
        if len(over) == 1:
            text = f"intervals: 95%, over {over.pop()}"
        else:
            text = (
                "intervals: 95%, over models and records for attacks with shadows, else over models"
            )
        return text.replace("records", f"{self.unit}s")

    def warning_notes(self) -> list[str]:
        """Return what the marks of warnings stand for."""
        given = {w["name"] for report in self.attacks.values() for w in report.warnings}
        return [f"{kind.mark}: {kind.note}" for name, kind in KINDS.items() if name in given]

    def header(self) -> str:
        """Return what was attacked, in one line."""
        n_models, n_records = self.target.member.shape
        task, groups = self.target.task, self.target.groups
        of_task = "" if task == "classification" else f"{task} "
        in_groups = "" if groups is None else f" in {len(groups)} groups"
        return (
            f"{n_models} {of_task}model{'s' if n_models > 1 else ''}, {n_records} records{in_groups},"
            f" shadows: {self.shadows}; {self.quality_text()}"
        )

    def quality_text(self) -> str:
        """Return how well the models answer, in words."""
        return "; ".join(map(str, self.quality))


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
