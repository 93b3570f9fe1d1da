"""Tables for papers: LaTeX with the lines of the package ``booktabs``, and no other package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privbench.escape import is_estimate, latex
from privbench.report.tables import Table

PREAMBLE = "% needs \\usepackage{booktabs}\n"
BEST_NOTE = (
    "bold: the best of a column, if all others can be told apart from it (by the 95% interval of"
    " the difference, paired where it is stored what pairs the two, or else by both intervals)"
)


def latex_tables(tables: Sequence[Table]) -> str:
    """Return tables as floats, with the title as the caption and the notes below."""
    return PREAMBLE + "\n".join(map(_latex_table, tables))


def _latex_table(table: Table) -> str:
    headers = list(dict.fromkeys(header for line in table.lines for header in line))
    notes = [
        *([BEST_NOTE] if any(table.best.get(header) for header in headers) else []),
        *table.notes,
    ]
    parts = [
        "\\begin{table}",
        "\\centering\\footnotesize",
        *([f"\\caption{{{latex(table.title)}}}"] if table.title else []),
        *(_tabular(table, headers) if headers else []),
        *(_below(notes) if notes else []),
        "\\end{table}",
    ]
    return "\n".join(parts) + "\n"


def _tabular(table: Table, headers: Sequence[str]) -> list[str]:
    lines = [
        [
            _cell(line.get(header, ""), is_best=number in table.best.get(header, ()))
            for header in headers
        ]
        for number, line in enumerate(table.lines)
    ]
    return [
        f"\\begin{{tabular}}{{{'l' * len(headers)}}}",
        "\\toprule",
        _line(map(_header, headers)),
        "\\midrule",
        *map(_line, lines),
        "\\bottomrule",
        "\\end{tabular}",
    ]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _header(header: str) -> str:
    lines = [latex(line) for line in header.split("\n")]
    joined = " \\\\ ".join(lines)
    return joined if len(lines) == 1 else f"\\shortstack[l]{{{joined}}}"


def _cell(text: str, *, is_best: bool) -> str:
    shown = latex(text)
    if is_estimate(text):
        shown = shown.replace("-", "$-$")
    return f"\\textbf{{{shown}}}" if is_best else shown


def _below(notes: Sequence[str]) -> list[str]:
    """Return notes as paragraphs, as wide as the text."""
    return [
        "\\par\\smallskip",
        "\\begin{minipage}{\\linewidth}\\raggedright",
        *(f"{latex(note)}\\par" for note in notes),
        "\\end{minipage}",
    ]
