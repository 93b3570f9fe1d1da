"""Results of benchmarks as one HTML page: plain words first, and all tables below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from privbench.report.differences import Differences
from privbench.report.frontier import deciding, on_data
from privbench.report.html.environment import facts_of, render
from privbench.report.seeds import combine_seeds
from privbench.report.source import Source
from privbench.report.tables import Table, comparable_groups, group_title
from privbench.report.views import VIEWS, summary
from privbench.storage.results import Row

SHOWN = ("summary", "utility", "attacks", "records", "audit")
"""The views that the technical part has a table of."""


@dataclass(frozen=True)
class Line:
    """What a benchmark says of one defense, in the attack that decides."""

    defense: str
    row: Row
    data_auc: float | None
    """The largest AUC of attacks on the data that it releases; None without such attacks."""


@dataclass(frozen=True)
class Group:
    """One benchmark, dataset and model: what its page says."""

    title: str
    lines: list[Line]
    tables: dict[str, Table]
    problems: dict[str, list[str]]
    """Why trials have no results: the trials by reason."""


def results_page(source: Source, command: str = "") -> str:
    """Return the page.

    Args:
        source: the results.
        command: the command that made the page, to be shown.
    """
    runs = [(run, facts_of(run.environment)) for run in source.runs]
    groups = groups_of(source.rows, source.remarks, source.differences)
    return render("results.html", groups=groups, runs=runs, command=command)


def rows_fragment(rows: Sequence[Row]) -> str:
    """Return what a notebook shows of rows: the view ``summary``."""
    tables = [_one_line_headers(table) for table in summary(combine_seeds(rows))]
    return render("rows_fragment.html", tables=tables, n_rows=len(rows))


def groups_of(
    rows: Sequence[Row], remarks: Mapping[str, str], differences: Differences
) -> list[Group]:
    """Return what the page says of each benchmark, dataset and model."""
    combined = combine_seeds(rows)
    groups = comparable_groups(combined)
    of_view = {name: _tables(VIEWS[name], groups, differences) for name in SHOWN}
    return [
        Group(
            _title(group, remarks),
            _lines(group),
            {name: tables[i] for name, tables in of_view.items()},
            _problems(group),
        )
        for i, group in enumerate(groups)
    ]


def _tables(
    view: Callable[[Sequence[Row], Differences], list[Table]],
    groups: list[list[Row]],
    differences: Differences,
) -> list[Table]:
    """Return the table of each group, whose cells and headers are on one line."""
    return [_one_line_headers(view(group, differences)[0]) for group in groups]


def _one_line_headers(table: Table) -> Table:
    lines = [
        {" ".join(header.replace("-\n", "-").split()): text for header, text in line.items()}
        for line in table.lines
    ]
    return Table(table.title, lines, table.notes)


def _title(rows: list[Row], remarks: Mapping[str, str]) -> str:
    remark = remarks.get(rows[0]["benchmark"], "")
    return group_title(rows) + (f" ({remark})" if remark else "")


def _lines(rows: list[Row]) -> list[Line]:
    """Return a line for each defense, the least exposed first."""
    ok = [row for row in rows if row["status"] == "ok" and row["subset"] == "records"]
    lines = []
    for defense in dict.fromkeys(row["defense"] for row in ok):
        of_defense = [row for row in ok if row["defense"] == defense]
        of_model = deciding([row for row in of_defense if not on_data(row)])
        aucs = [row["auc"] for row in of_defense if on_data(row)]
        if of_model:
            strongest = max(of_model, key=lambda row: row["auc"])
            lines.append(Line(defense, strongest, max(aucs, default=None)))
    return sorted(lines, key=_found)


def _found(line: Line) -> float:
    value: float | None = line.row["tpr_at_fpr"]["0.01"]["value"]
    return -1.0 if value is None else value


def _problems(rows: list[Row]) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    for row in rows:
        if row["status"] != "ok":
            names = problems.setdefault(f"{row['status']}: {row['reason']}", [])
            name = f"{row['defense']} / {row['attack']}"
            if name not in names:
                names.append(name)
    return problems
