"""A view as text: for the terminal, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from privbench.report.views import VIEWS, Block
from privbench.results import Row

FORMATS = ("table", "markdown", "latex", "csv", "json")


def render(rows: Sequence[Row], format: str, view: str | None = None) -> str:
    """Rows in one of FORMATS. ``csv`` and ``json`` give the rows themselves unless a view is named."""
    if view is None:
        view = "rows" if format in ("csv", "json") else "summary"
    if format == "json":
        content = list(rows) if view == "rows" else [_lines(block) for block in VIEWS[view](rows)]
        return json.dumps(content, indent=1) + "\n"
    blocks = VIEWS[view](rows)
    if format == "csv":
        return _csv(blocks)
    if format == "table":
        return "\n".join(_text(block) for block in blocks)
    style = {"markdown": "github", "latex": "latex_booktabs"}[format]
    return "\n".join(_document(block, style) for block in blocks)


def _text(block: Block) -> str:
    """For a terminal: column headers may take two lines."""
    table = _tabulate(block.lines, "simple")
    notes = "".join(f"{note}\n" for note in block.notes)
    return f"{block.title}\n\n{table}\n" + (f"\n{notes}" if notes else "")


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
    return [
        {" ".join(header.split()).replace(" -", "-"): text for header, text in line.items()}
        for line in block.lines
    ]


def _csv(blocks: Sequence[Block]) -> str:
    import pandas as pd

    frame = pd.DataFrame([line for block in blocks for line in _lines(block)])
    return str(frame.to_csv(index=False, lineterminator="\n"))
