"""Views of results as text: for the terminal, or as Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from privbench import escape
from privbench.colour import Paint, Styled, plain
from privbench.errors import BadInput
from privbench.layout import joined_header
from privbench.report.difference_view import difference_tables
from privbench.report.differences import Differences
from privbench.report.latex import latex_tables
from privbench.report.seeds import combine_seeds
from privbench.report.tables import Table
from privbench.report.terminal import terminal_text
from privbench.report.views import NOTHING_STORED, VIEWS
from privbench.storage.results import Row

FORMATS = ("table", "markdown", "latex", "csv", "json")
OF_EACH_SEED = ("rows",)
"""Views that show each seed by itself."""


def render(
    rows: Sequence[Row],
    format: str,
    view: str | None = None,
    width: int | None = None,
    remarks: Mapping[str, str] | None = None,
    differences: Differences = NOTHING_STORED,
    baseline: str | None = None,
    paint: Paint = plain,
    as_blocks: bool = False,
) -> str:
    """Return a view of rows as text.

    Args:
        rows: rows of results.
        format: one of FORMATS.
        view: a name in VIEWS. Default: ``rows`` for ``csv`` and ``json``, else ``summary``.
        width: width in characters that a ``table`` fits: with fewer columns if needed, or as blocks.
        remarks: text to add to the titles of a benchmark's tables, by benchmark.
        differences: says how well differences between rows are known.
        baseline: what the view ``differences`` compares others with: a defense or an attack; None for
            ``none``.
        paint: how a ``table`` is coloured.
        as_blocks: whether a ``table`` has a block for each of its lines, instead of columns.

    Raises:
        BadInput: there is a baseline, and the view is not ``differences``, or no row is of it.
    """
    if view is None:
        view = "rows" if format in ("csv", "json") else "summary"
    if format == "json" and view == "rows":
        return json.dumps(list(rows), indent=1) + "\n"
    tables = _tables(rows, view, differences, baseline)
    if format == "json":
        return json.dumps([_lines(table) for table in tables], indent=1) + "\n"
    tables = [_with_remark(table, remarks or {}) for table in tables]
    if format == "csv":
        return _csv(tables)
    if format == "latex":
        return latex_tables(tables)
    if format == "markdown":
        return markdown(tables)
    shown = [terminal_text(table, width, paint, as_blocks) for table in tables]
    text = "\n".join(shown)
    return text if paint is plain else Styled(text)


def markdown(tables: Sequence[Table]) -> str:
    """Return tables as Markdown, one after the other."""
    return "\n".join(map(_markdown, tables))


def _tables(
    rows: Sequence[Row], view: str, differences: Differences, baseline: str | None
) -> list[Table]:
    shown = rows if view in OF_EACH_SEED else combine_seeds(rows)
    if baseline is None:
        return VIEWS[view](shown, differences)
    if view != "differences":
        raise BadInput(f"--baseline {baseline!r}: only with --view differences")
    return difference_tables(shown, differences, baseline)


def _with_remark(table: Table, remarks: Mapping[str, str]) -> Table:
    remark = remarks.get(table.benchmark, "")
    return replace(table, title=f"{table.title} ({remark})") if remark else table


def _markdown(table: Table) -> str:
    """Return a table for Markdown, with its notes as paragraphs."""
    from tabulate import tabulate

    cells = [
        {escape.markdown(head): escape.markdown(text) for head, text in line.items()}
        for line in _lines(table)
    ]
    shown = tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True)
    title, *notes = map(escape.markdown_paragraph, [table.title, *table.notes])
    return "\n\n".join(block for block in [title, shown, *notes] if block) + "\n"


def _lines(table: Table) -> list[dict[str, str]]:
    """Return the lines of a table with each header on one line."""
    return [
        {escape.one_line(joined_header(header)): text for header, text in line.items()}
        for line in table.lines
    ]


def _csv(tables: Sequence[Table]) -> str:
    import pandas as pd

    lines = [line for table in tables for line in _lines(table)]
    cells = [
        {escape.csv_cell(head): escape.csv_cell(text) for head, text in line.items()}
        for line in lines
    ]
    frame = pd.DataFrame(cells)
    return str(frame.to_csv(index=False, lineterminator="\n"))
