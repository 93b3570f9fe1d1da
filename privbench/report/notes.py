"""The notes below a table: footnotes, what its marks stand for, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privbench.report.frontier import RANKED_BY
from privbench.storage.results import Row

MAXIMUM_NOTE = (
    "each number is the largest of up to {} attacks (adaptive and naive) on the target itself,"
    f" uncorrected for the choice; {RANKED_BY} is an attack that is chosen beforehand"
)


def name_of(header: str) -> str:
    """Return the name of a column in the legend: the first line of its header.

    >>> name_of("AUC\\n[95% CI]")
    'AUC'
    """
    return header.split("\n")[0]


class Notes:
    """Numbered conditions of guarantees, what marks stand for, and what went wrong.

    Cells of the table are marked as it is made, and ``lines`` then explains the marks.
    """

    def __init__(self, first: Sequence[str] = ()) -> None:
        self.first = first
        self.conditions: list[str] = []
        self.legend: dict[str, str] = {}
        self.n_attacks = 0
        self.problems: dict[str, list[str]] = {}

    def mark(self, text: str) -> str:
        """Return the mark of a footnote, such as ``[1]``; the same text has the same mark."""
        if text not in self.conditions:
            self.conditions.append(text)
        return f"[{self.conditions.index(text) + 1}]"

    def warnings(self, rows: Iterable[Row]) -> str:
        """Return the marks of the warnings of rows, such as ``RT``; the legend explains them."""
        from privbench.metrics.warnings import KINDS

        given = {warning["name"] for row in rows for warning in row["warnings"] or ()}
        kinds = [kind for name, kind in KINDS.items() if name in given]
        self.legend |= {kind.mark: kind.note for kind in kinds}
        return "".join(kind.mark for kind in kinds) or "-"

    def star(self, n_attacks: int) -> str:
        """Return the mark of a largest of several attacks; empty if there is one attack."""
        if n_attacks < 2:
            return ""
        self.n_attacks = max(self.n_attacks, n_attacks)
        self.legend["*"] = MAXIMUM_NOTE.format(self.n_attacks)
        return "*"

    def problem(self, row: Row) -> None:
        """Add a trial that is not ok; trials with the same reason share a line."""
        name = f"{row['defense']} / {row['attack']}"
        names = self.problems.setdefault(f"{row['status']}: {row['reason']}", [])
        if name not in names:
            names.append(name)

    def sort_legend(self, headers: Sequence[str]) -> None:
        """Explain columns first, in the order of their headers, and then all other marks."""
        names = [name_of(header) for header in headers]
        place = {name: position for position, name in enumerate(names)}
        order = sorted(self.legend, key=lambda mark: place.get(mark, len(names)))
        self.legend = {mark: self.legend[mark] for mark in order}

    def lines(self) -> tuple[str, ...]:
        """Return all notes: the given ones, footnotes, the legend, and problems."""
        numbered = [f"[{i}] {text}" for i, text in enumerate(self.conditions, start=1)]
        legend = [f"{mark}: {text}" for mark, text in self.legend.items()]
        problems = []
        for reason, names in self.problems.items():
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            problems.append(f"{', '.join(names[:2])}{more}: {reason}")
        return (*self.first, *numbered, *legend, *problems)
