"""A view as text: for the terminal, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from privbench.report.views import VIEWS, Block
from privbench.storage.results import Row

FORMATS = ("table", "markdown", "latex", "csv", "json")


PROSE = 100  # characters in a line of notes


def render(
    rows: Sequence[Row],
    format: str,
    view: str | None = None,
    width: int | None = None,
    remarks: Mapping[str, str] | None = None,
) -> str:
    """Rows in one of FORMATS. ``csv`` and ``json`` give the rows themselves unless a view is named.

    Where a ``table`` is wider than ``width`` characters, it goes without its optional columns.
    ``remarks`` are added to the titles of the benchmarks they are of.
    """
    if view is None:
        view = "rows" if format in ("csv", "json") else "summary"
    if format == "json":
        content = list(rows) if view == "rows" else [_lines(block) for block in VIEWS[view](rows)]
        return json.dumps(content, indent=1) + "\n"
    blocks = [_with_remark(block, remarks or {}) for block in VIEWS[view](rows)]
    if format == "csv":
        return _csv(blocks)
    if format == "table":
        return "\n".join(_text(block, width) for block in blocks)
    style = {"markdown": "github", "latex": "latex_booktabs"}[format]
    return "\n".join(_document(block, style) for block in blocks)


def _with_remark(block: Block, remarks: Mapping[str, str]) -> Block:
    remark = remarks.get(block.benchmark, "")
    return replace(block, title=f"{block.title} ({remark})") if remark else block


def _text(block: Block, width: int | None) -> str:
    """For a terminal: column headers may take two lines."""
    lines, left_out = _fit(block, width)
    notes = [*block.notes]
    if left_out:
        notes.append(f"left out for the width of the terminal: {', '.join(left_out)}")
    prose = min(width or PROSE, PROSE)
    wrapped = "".join(f"{_paragraph(note, prose)}\n" for note in notes)
    table = _tabulate(lines, "simple")
    return f"{block.title}\n\n{table}\n" + (f"\n{wrapped}" if wrapped else "")


def _paragraph(note: str, width: int) -> str:
    """Wrapped between words only, so that addresses and paths stay whole."""
    return textwrap.fill(
        " ".join(note.split()),
        width,
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _fit(block: Block, width: int | None) -> tuple[list[dict[str, str]], list[str]]:
    """The lines without as many optional columns as it takes, and the names of those."""
    lines, left_out = block.lines, list[str]()
    for column in block.optional:
        table = _tabulate(lines, "simple")
        if width is None or max(map(len, table.splitlines())) <= width:
            break
        lines = [{k: v for k, v in line.items() if k != column} for line in lines]
        left_out.append(_one_line(column))
    return lines, left_out


def _document(block: Block, style: str) -> str:
    """For Markdown or LaTeX: notes are paragraphs, or comments."""
    table = _tabulate(_lines(block), style)
    start, between = ("% ", "\n% ") if style.startswith("latex") else ("", "\n\n")
    notes = start + between.join(block.notes) if block.notes else ""
    title = f"{start}{block.title}\n\n" if block.title else ""
    return f"{title}{table}\n" + (f"\n{notes}\n" if notes else "")


def _tabulate(lines: list[dict[str, str]], style: str) -> str:
    from tabulate import tabulate

    headers = list(dict.fromkeys(key for line in lines for key in line))
    cells = [[line.get(header, "") for header in headers] for line in lines]
    return str(tabulate(cells, headers=headers, tablefmt=style, disable_numparse=True))


def _lines(block: Block) -> list[dict[str, str]]:
    """The lines with headers of one line."""
    return [{_one_line(header): text for header, text in line.items()} for line in block.lines]


def _one_line(header: str) -> str:
    return " ".join(header.split())


def _csv(blocks: Sequence[Block]) -> str:
    import pandas as pd

    frame = pd.DataFrame([line for block in blocks for line in _lines(block)])
    return str(frame.to_csv(index=False, lineterminator="\n"))
