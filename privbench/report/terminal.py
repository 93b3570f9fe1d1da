"""Tables for the terminal, by its width: as columns, with some columns left out, or as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from privbench.colour import Paint, Role, plain
from privbench.escape import one_line
from privbench.layout import HEADER_MARGIN, blocks, columns, fits, headers_of, joined_header, wrap
from privbench.report.audits import AUDITED, VERDICT
from privbench.report.notes import name_of
from privbench.report.tables import WARNINGS, Cells, Table

NOTE_WIDTH = 100
"""Width of the notes below a table, unless the terminal is narrower."""
LABELS = (
    "benchmark", "dataset", "model", "subset", "canary kind", "canary_kind", "defense", "attack",
    "knowledge", "records", "seed", "column", "value", "plot",
)  # fmt: skip
"""Headers of columns that name a line."""
HOW_TO_SEE = "all columns: `privbench table NAME --blocks`"
BEST_NOTE = "green: the best of its column, which can be told apart from all others (95%)"


def terminal_text(
    table: Table,
    width: int | None,
    paint: Paint = plain,
    as_blocks: bool = False,
    how_to_see: str = HOW_TO_SEE,
    note_width: int = NOTE_WIDTH,
    warned: Sequence[str] = (),
) -> str:
    """Return a table for the terminal; the first of these that fits:

    1. columns, all of them;
    2. columns without some of the optional ones, which a note names;
    3. blocks: one for each line, with all of its cells.

    Where a guarantee is refuted, the columns that say so are never left out.

    Args:
        table: the table.
        width: the width of the terminal; None if there is none, where everything fits.
        paint: how text is coloured.
        as_blocks: whether to return blocks in any case.
        how_to_see: what a note says if columns are left out.
        note_width: width of the title and the notes, unless the terminal is narrower.
        warned: warnings, which stand above the table.
    """
    table = table.on_lines()
    room = min(width or note_width, note_width)
    roles = _roles(table)
    left_out: list[str] | None = None if as_blocks else _left_out(table, width)
    if left_out is None:
        text = blocks(table.lines, room, LABELS, roles, paint)
        left_out = []
    else:
        text = _columns(_without(table.lines, left_out), width, roles, paint)
    unseen = tuple(f"{name_of(header)}: " for header in left_out)
    if WARNINGS in left_out:  # the notes of its marks, which are letters
        unseen += tuple(f"{mark}: " for line in table.lines for mark in line.get(WARNINGS, ""))
    notes = [note for note in table.notes if not note.startswith(unseen)]
    if paint is not plain and "best" in roles.values():
        notes.append(BEST_NOTE)
    if left_out:
        listed = ", ".join(map(joined_header, left_out))
        notes += [f"left out for the width of the terminal: {listed}", how_to_see]
    title = "\n".join(paint(line, "heading") for line in wrap(table.title, room, "", "    "))
    doubts = "\n".join(_warning(one_line(doubt), room, paint) for doubt in warned)
    wrapped = "\n".join(line for note in notes for line in wrap(note, room, "", "    "))
    return "\n\n".join([title, *(part for part in (doubts, text, wrapped) if part)]) + "\n"


def _warning(text: str, width: int, paint: Paint) -> str:
    start = "warning:"
    lines = wrap(f"{start} {text}", width, "", "    ")
    return "\n".join([paint(start, "warning") + lines[0].removeprefix(start), *lines[1:]])


def _left_out(table: Table, width: int | None) -> list[str] | None:
    """Return the headers of the columns to leave out, or None if the others are too wide as well.

    Optional columns are left out until the table fits; those that still have room are put back.
    """
    left_out: list[str] = []
    if width is None:
        return left_out

    def is_narrow(without: Sequence[str]) -> bool:
        return fits(columns(_without(table.lines, without), margin=0), width)

    headers = headers_of(table.lines)
    kept = _needed(table)
    for header in table.optional:
        if is_narrow(left_out):
            break
        if header in headers and header not in kept:
            left_out.append(header)
    if not is_narrow(left_out):
        return None
    for header in reversed(left_out.copy()):
        fewer = [other for other in left_out if other != header]
        if is_narrow(fewer):
            left_out = fewer
    return left_out


def _needed(table: Table) -> set[str]:
    """Return the headers that are never left out: what says that a guarantee is refuted, and how."""
    refuted = [line for line in table.lines if any(map(_is_refuted, line.values()))]
    decisive = {head for line in refuted for head, text in line.items() if text.endswith("*")}
    return decisive | {AUDITED, VERDICT} if refuted else set()


def _is_refuted(text: str) -> bool:
    return text == "refuted" or text.startswith("refuted (")


def _columns(
    lines: Cells, width: int | None, roles: Mapping[tuple[int, str], Role], paint: Paint
) -> str:
    """Return columns, with less space between them if they fit only so."""
    is_wide = width is None or fits(columns(lines), width)
    return columns(lines, HEADER_MARGIN if is_wide else 0, roles=roles, paint=paint)


def _without(lines: Cells, headers: Sequence[str]) -> Cells:
    return [{k: text for k, text in line.items() if k not in headers} for line in lines]


def _roles(table: Table) -> dict[tuple[int, str], Role]:
    """Return what cells are coloured as: refuted guarantees, failures, warnings, and best lines."""
    roles: dict[tuple[int, str], Role] = {
        (number, header): "best" for header, numbers in table.best.items() for number in numbers
    }
    for number, line in enumerate(table.lines):
        for header, text in line.items():
            if _is_refuted(text) or text in ("(failed)", "failed", "(timeout)", "timeout"):
                roles[number, header] = "bad"
            elif (header == "warnings" and text not in ("", "-")) or text == "(unavailable)":
                roles[number, header] = "warning"
    return roles
