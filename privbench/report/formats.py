"""Views of results as text: for the terminal, or as Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from privbench import escape
from privbench.errors import BadInput
from privbench.report.difference_view import difference_tables
from privbench.report.differences import Differences
from privbench.report.latex import latex_tables
from privbench.report.notes import name_of
from privbench.report.seeds import combine_seeds
from privbench.report.tables import Cells, Table
from privbench.report.views import NOTHING_STORED, VIEWS
from privbench.storage.results import Row

FORMATS = ("table", "markdown", "latex", "csv", "json")
OF_EACH_SEED = ("rows",)
"""Views that show each seed by itself."""
NOTE_WIDTH = 100
"""Width of the notes below a table, unless the terminal is narrower."""


def render(
    rows: Sequence[Row],
    format: str,
    view: str | None = None,
    width: int | None = None,
    remarks: Mapping[str, str] | None = None,
    differences: Differences = NOTHING_STORED,
    baseline: str | None = None,
) -> str:
    """Return a view of rows as text.

    Args:
        rows: rows of results.
        format: one of FORMATS.
        view: a name in VIEWS. Default: ``rows`` for ``csv`` and ``json``, else ``summary``.
        width: width in characters that a ``table`` should fit; optional columns are left out as needed.
        remarks: text to add to the titles of a benchmark's tables, by benchmark.
        differences: says how well differences between rows are known.
        baseline: what the view ``differences`` compares others with: a defense or an attack; None for
            ``none``.

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
    return "\n".join(_text(table.on_lines(), width) for table in tables)


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


def _text(table: Table, width: int | None) -> str:
    """Return a table for the terminal, where a header may take two lines."""
    lines, left_out = _fit(table, width)
    unseen = tuple(f"{name_of(header)}: " for header in left_out)
    notes = [note for note in table.notes if not note.startswith(unseen)]
    if left_out:
        listed = ", ".join(map(_joined, left_out))
        notes.append(f"left out for the width of the terminal: {listed}")
    note_width = min(width or NOTE_WIDTH, NOTE_WIDTH)
    wrapped = "".join(f"{_paragraph(note, note_width)}\n" for note in notes)
    text = _tabulate(lines, "simple")
    return f"{table.title}\n\n{text}\n" + (f"\n{wrapped}" if wrapped else "")


def _paragraph(note: str, width: int) -> str:
    """Wrap a note between words only, so that addresses and paths stay whole."""
    return textwrap.fill(
        " ".join(note.split()),
        width,
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _fit(table: Table, width: int | None) -> tuple[Cells, list[str]]:
    """Leave out optional columns until the table fits, and put back those that still have room.

    Returns:
        The lines, and the headers of the columns that are left out.
    """
    left_out: list[str] = []
    if width is None:
        return table.lines, left_out

    def fits(without: Sequence[str]) -> bool:
        text = _tabulate(_without(table.lines, without), "simple")
        return max(map(len, text.splitlines())) <= width

    for header in table.optional:
        if fits(left_out):
            break
        if any(header in line for line in table.lines):
            left_out.append(header)
    for header in reversed(left_out.copy()):
        fewer = [other for other in left_out if other != header]
        if fits(fewer):
            left_out = fewer
    return _without(table.lines, left_out), left_out


def _without(lines: Cells, headers: Sequence[str]) -> Cells:
    return [{k: text for k, text in line.items() if k not in headers} for line in lines]


def _markdown(table: Table) -> str:
    """Return a table for Markdown, with its notes as paragraphs."""
    cells = [
        {escape.markdown(head): escape.markdown(text) for head, text in line.items()}
        for line in _lines(table)
    ]
    title, *notes = map(escape.markdown_paragraph, [table.title, *table.notes])
    blocks = [title, _tabulate(cells, "github"), *notes]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _tabulate(lines: list[dict[str, str]], style: str) -> str:
    from tabulate import tabulate

    headers = list(dict.fromkeys(key for line in lines for key in line))
    cells = [[line.get(header, "") for header in headers] for line in lines]
    return str(tabulate(cells, headers=headers, tablefmt=style, disable_numparse=True))


def _lines(table: Table) -> list[dict[str, str]]:
    """Return the lines of a table with each header on one line."""
    return [{_joined(header): text for header, text in line.items()} for line in table.lines]


def _joined(header: str) -> str:
    return escape.one_line(header.replace("-\n", "-"))


def _csv(tables: Sequence[Table]) -> str:
    import pandas as pd

    lines = [line for table in tables for line in _lines(table)]
    cells = [
        {escape.csv_cell(head): escape.csv_cell(text) for head, text in line.items()}
        for line in lines
    ]
    frame = pd.DataFrame(cells)
    return str(frame.to_csv(index=False, lineterminator="\n"))
