"""The report on a synthetic table, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.arguments import with_arguments
from privbench.auditing.inputs import TableInput
from privbench.auditing.limits import check_limits, exceeded
from privbench.auditing.pictured import accused_first
from privbench.auditing.skipped import skipped_notes
from privbench.auditing.synthetic import words
from privbench.auditing.synthetic.anonymeter import Risk, table_of_risks
from privbench.auditing.synthetic.measuring import DataAttack
from privbench.auditing.synthetic.rows import AttackedRows
from privbench.auditing.tables import HOW_TO_SEE, NOTHING, warning_notes
from privbench.colour import Paint, Styled, plain
from privbench.metrics.warnings import KINDS
from privbench.report.limits import Exceeded
from privbench.report.numbers import interval_text
from privbench.report.tables import Table
from privbench.report.terminal import terminal_text
from privbench.wording import listed

N_EXPOSED = 10
OPTIONAL = ("TPR at\n0.1% FPR",)
"""Headers of columns that are left out on a narrow terminal."""


@dataclass(frozen=True)
class Exposed:
    """A row of train, and how many non-members the attack accuses before it or with it."""

    row: int
    """Its number in train; the first row below the header is 0."""
    wrongly: int

    @property
    def rate(self) -> str:
        """The number as text."""
        return f"{self.wrongly:,}"


@dataclass(frozen=True)
class DataAudit:
    """The report on one synthetic table. ``print`` shows it as a table, and a notebook as HTML."""

    attacks: dict[str, DataAttack]
    skipped: dict[str, str]
    """Attacks that do not apply, with the reason."""
    failed: dict[str, str]
    """Attacks, or the generator, that raised or returned nothing valid, with the message."""
    rows: AttackedRows
    blind: tuple[float, float, float] | None
    """The AUC of telling train from holdout without the synthetic table, and its interval."""
    identifying: list[str]
    """Columns that may be record numbers or names."""
    n_shadows: int
    """Number of shadow tables."""
    risks: list[Risk]
    """The three risks of Anonymeter."""
    risks_note: str
    """What to know about these risks, or why there are none."""
    seed: int
    environment: dict[str, Any]
    inputs: list[TableInput]
    names_arguments: bool = field(default=False, kw_only=True)
    """Whether advice names arguments of functions instead of options of commands."""

    def for_python(self) -> DataAudit:
        """Return the same report, whose advice names arguments of functions instead of options."""
        skipped = {name: with_arguments(reason) for name, reason in self.skipped.items()}
        return replace(self, skipped=skipped, names_arguments=True)

    def say(self, advice: str) -> str:
        """Return advice in words of the command line, or of Python."""
        return with_arguments(advice) if self.names_arguments else advice

    @property
    def member(self) -> NDArray[np.bool_]:
        """Membership (1, records): the attacked rows of train come first."""
        return self.rows.member[None]

    @property
    def blocks(self) -> NDArray[np.int64]:
        """The block (records,) of each record, which intervals resample."""
        return self.rows.blocks(self.seed)

    @property
    def chosen(self) -> str | None:
        """The attack that sentences are about; None if no attack returned scores.

        1. ``stacked``, which is chosen before its result is known;
        2. otherwise the attack with the largest AUC, which makes its numbers somewhat too large.
        """
        if "stacked" in self.attacks:
            return "stacked"
        return max(self.attacks, key=lambda name: self.attacks[name].summary.auc, default=None)

    @property
    def cannot_see(self) -> list[str]:
        """What this audit cannot see."""
        return [self.say(text) for text in words.cannot_see(self.n_shadows)]

    @property
    def remarks(self) -> list[str]:
        """What is remarkable about the rows of the tables."""
        remarks = words.remarks(self.rows.counts, self.blind, self.identifying)
        return [self.say(text) for text in remarks]

    @property
    def verdict(self) -> str:
        """What was found, in one sentence."""
        if not self.attacks:
            return NOTHING
        leaking = [name for name, attack in self.attacks.items() if attack.above_chance]
        if not leaking:
            names = list(self.attacks)
            none = (
                f"None of {len(names)} attacks tells" if names[1:] else f"{names[0]} does not tell"
            )
            return (
                f"{none} rows of train from rows of the holdout better than guessing, as far as this"
                " audit can tell."
            )
        ranked = sorted(leaking, key=lambda name: -self.attacks[name].summary.auc)
        return (
            "The synthetic table reveals something about which rows it was made from, as"
            f" {listed(ranked)} find"
            f"{'' if ranked[1:] else 's'}."
        )

    def exposed(self, most: int = N_EXPOSED) -> list[Exposed]:
        """Return the rows of train that the attack `chosen` accuses first."""
        if self.chosen is None:
            return []
        scores = self.attacks[self.chosen].scores[0]
        return [
            Exposed(int(self.rows.train[number]), wrongly)
            for number, wrongly in accused_first(scores, self.member[0], most)
        ]

    def exceeded(self, limits: Mapping[str, float]) -> list[Exceeded]:
        """Return the attacks that exceed limits, judged by the upper ends of 95% intervals.

        Args:
            limits: the largest value allowed of ``auc``, ``advantage``, ``tpr@FPR`` or
                ``precision@FPR``, such as ``{"tpr@0.01": 0.05}``.

        Returns:
            What exceeds them; empty if nothing does. ``str`` makes a sentence of each.

        Raises:
            BadInput: a metric is unknown, or no attack has it.
        """
        check_limits(limits)
        return exceeded(self, limits)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values, without scores."""
        return {
            "verdict": self.verdict,
            "attacks": {name: attack.to_json() for name, attack in self.attacks.items()},
            "skipped": self.skipped,
            "failed": self.failed,
            "chosen": self.chosen,
            "rows": asdict(self.rows.counts),
            "remarks": self.remarks,
            "cannot_see": self.cannot_see,
            "notes": self.notes(),
            "told_apart_without_synthetic": None
            if self.blind is None
            else {"auc": self.blind[0], "ci": list(self.blind[1:])},
            "n_shadows": self.n_shadows,
            "most_exposed": [asdict(one) for one in self.exposed()],
            "anonymeter": [asdict(risk) for risk in self.risks],
            "anonymeter_note": self.risks_note,
            "inputs": [asdict(one) for one in self.inputs],
            "seed": self.seed,
            "environment": self.environment,
        }

    def to_html(self, command: str = "") -> str:
        """Return the report as one page of HTML, which needs no network and runs no script.

        Args:
            command: the command that made it, to be shown.
        """
        from privbench.auditing.synthetic.page import data_page

        return data_page(self, command)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from privbench.auditing.synthetic.page import data_fragment

        return data_fragment(self)

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        from privbench.report.formats import markdown

        return markdown(self.tables())

    def __str__(self) -> str:
        """Return the tables with their notes."""
        return self.text()

    def text(self, width: int | None = None, paint: Paint = plain) -> str:
        """Return the same for a terminal.

        Args:
            width: the width of the terminal; None if there is none.
            paint: how text is coloured.
        """
        tables = [
            terminal_text(table, width, paint, how_to_see=HOW_TO_SEE).rstrip("\n")
            for table in self.tables()
        ]
        text = "\n\n".join(tables)
        return text if paint is plain else Styled(text)

    @property
    def incomplete(self) -> bool:
        """Whether an attack failed."""
        return bool(self.failed)

    def nothing_applied(self) -> str:
        """Return why no attack ran, for an error message."""
        reasons = dict.fromkeys(self.skipped.values())
        return f"no attack applies to this table: {'; '.join(reasons) or 'none was asked for'}"

    def tables(self) -> list[Table]:
        """Return the tables: attacks, the most exposed rows, and Anonymeter's risks."""
        found = [self._table_of_attacks()]
        if exposed := self.exposed(5):
            n = self.rows.counts.nonmembers
            lines = [
                {"row of train": str(one.row), "non-members accused before it": one.rate}
                for one in exposed
            ]
            notes = [f"of {n:,} non-members; the first row below the header is 0"]
            if not self.attacks[str(self.chosen)].above_chance:
                notes.append(words.ACCUSED_BY_CHANCE)
            found.append(Table(f"Rows that {self.chosen} accuses first", lines, tuple(notes)))
        return [*found, table_of_risks(self.risks, self.risks_note)]

    def notes(self) -> list[str]:
        """Return what is to be known of the numbers."""
        marked = [warning for attack in self.attacks.values() for warning in attack.warnings]
        return [
            words.INTERVALS,
            words.ABOVE,
            words.SAME_SOURCE,
            *([words.DCR_NOTE] if "dcr" in self.attacks else []),
            *warning_notes(marked),
        ]

    def _table_of_attacks(self) -> Table:
        ranked = sorted(self.attacks.items(), key=lambda item: -item[1].summary.auc)
        lines = [_line(name, attack) for name, attack in ranked]
        if not any(attack.warnings for attack in self.attacks.values()):
            lines = [{h: text for h, text in line.items() if h != "warnings"} for line in lines]
        notes = [
            self.verdict,
            *(f"note: {remark}" for remark in self.remarks),
            *self.notes(),
            *(f"not seen: {text}" for text in self.cannot_see),
            *(f"failed {name}: {reason}" for name, reason in self.failed.items()),
            *skipped_notes(self.skipped),
        ]
        return Table(self._header(), lines, tuple(notes), optional=OPTIONAL)

    def _header(self) -> str:
        counts = self.rows.counts
        shadows = f"{self.n_shadows} shadow tables" if self.n_shadows else "no shadow tables"
        return (
            f"{counts.members:,} members, {counts.nonmembers:,} non-members, {counts.synthetic:,}"
            f" synthetic rows, {counts.reference:,} reference rows ({counts.reference_is}), {shadows}"
        )


def _line(name: str, attack: DataAttack) -> dict[str, str]:
    summary = attack.summary
    rates = {fpr: (rate["value"], rate["ci"]) for fpr, rate in summary.tpr_at_fpr.items()}
    return {
        "attack": name,
        "AUC\n[95% CI]": interval_text(summary.auc, summary.auc_ci),
        "TPR at\n0.1% FPR": interval_text(*rates["0.001"]),
        "TPR at\n1% FPR": interval_text(*rates["0.01"]),
        "above\n.5": "yes" if attack.above_chance else "no",
        "warnings": "".join(KINDS[warning["name"]].mark for warning in attack.warnings),
    }
