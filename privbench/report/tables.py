"""Tables of results, and the groups of rows that share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from privbench.escape import one_line, terminal
from privbench.report.groups import groups_note
from privbench.report.notes import Notes
from privbench.report.seeds import incomplete_note, seeds_text
from privbench.storage.results import Row

Cells = list[dict[str, str]]
"""The lines of a table: the text of each cell by its header."""


WARNINGS = "warnings"
"""The header of the column with the marks of warnings; left out where there are none."""


@dataclass(frozen=True)
class Table:
    """A table of a view: its title, its lines as cells by header, and the notes below it."""

    title: str
    lines: Cells
    notes: tuple[str, ...] = ()
    benchmark: str = ""
    optional: tuple[str, ...] = ()
    """Headers of columns that are left out on a narrow terminal, in this order."""
    best: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """The numbers, from 0, of the lines that are `best` in a column, by its header."""

    def headers(self) -> list[str]:
        """Return the headers of all lines, in order."""
        return list(dict.fromkeys(header for line in self.lines for header in line))

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        lines: Cells,
        notes: Notes,
        optional: tuple[str, ...],
        best: Mapping[str, frozenset[int]] | None = None,
    ) -> Table:
        """Make the table of a comparable group; trials without some or all results are noted."""
        for row in rows:
            if row["status"] != "ok":
                notes.problem(row)
        noted = (*notes.lines(), *filter(None, (incomplete_note(rows), groups_note(rows))))
        return cls(group_title(rows), lines, noted, rows[0]["benchmark"], optional, best or {})

    def on_lines(self) -> Table:
        """Return the table for a terminal: each text is on one line; headers keep their lines."""
        lines = [
            {terminal(head): one_line(text) for head, text in line.items()} for line in self.lines
        ]
        notes = tuple(map(one_line, self.notes))
        return replace(self, title=one_line(self.title), lines=lines, notes=notes)


def comparable_groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each (benchmark, dataset, model, seed), within which defenses compare."""

    def key(row: Row) -> tuple[object, ...]:
        return (row["benchmark"], row["dataset"], row["model"], row["seed"])

    order = {value: position for position, value in enumerate(dict.fromkeys(map(key, rows)))}
    ordered = sorted(rows, key=lambda row: order[key(row)])
    return [list(group) for _, group in groupby(ordered, key=key)]


def group_title(rows: Sequence[Row]) -> str:
    """Return what the rows of a comparable group have in common, as a title."""
    first = rows[0]
    trial = f"{first['benchmark']}: {first['dataset']}, {first['model']}"
    return f"{trial}, {first['n_models']} models, {seeds_text(first)}"


def without_empty_columns(lines: Cells) -> Cells:
    """Return the lines without the columns in which every line has a dash."""
    filled = {header for line in lines for header, text in line.items() if text != "-"}
    return [{header: text for header, text in line.items() if header in filled} for line in lines]
