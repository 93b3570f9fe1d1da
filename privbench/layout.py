"""Text that fits a width in characters: paragraphs, columns, and blocks.

Words stay whole, so that names, paths and addresses can be copied: one that is wider than the line has
a line of its own. Only between characters of double width, as Chinese and Japanese are written in, may
a line end anywhere. All text has been escaped before (`privbench.escape`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from privbench.colour import Paint, Role, plain

GAP = "  "
"""What is between two columns."""
HEADER_MARGIN = 2
"""By how much a column is at least wider than its header, where there is room."""
Cells = Sequence[Mapping[str, str]]


def text_width(text: str) -> int:
    """Return how many columns of a terminal text takes.

    >>> text_width("abc"), text_width("日本")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """Return text with spaces behind it, as wide as a column."""
    return text + " " * (width - text_width(text))


def wrap(
    text: str, width: int, first: str = "", rest: str = "", max_lines: int | None = None
) -> list[str]:
    """Wrap a paragraph between words.

    Args:
        text: the paragraph.
        width: width of a line with its indentation.
        first: what stands before the first line.
        rest: what stands before the other lines.
        max_lines: lines after which the text is cut off with an ellipsis; None for no limit.

    >>> wrap("a path/that/is/long b", 10, rest="  ")
    ['a', '  path/that/is/long', '  b']
    """
    lines: list[str] = []
    line, is_empty = first, True
    for word in _pieces(text, width - max(text_width(first), text_width(rest))):
        if is_empty and first.strip() and text_width(first + word) > width:
            lines.append(first.rstrip())
            line, is_empty = rest + word, False
        elif is_empty or text_width(line) + 1 + text_width(word) <= width:
            line, is_empty = line + (word if is_empty else f" {word}"), False
        else:
            lines.append(line)
            line = rest + word
    lines.append(line)
    if max_lines is not None and len(lines) > max_lines:
        return [*lines[: max_lines - 1], _cut(lines[max_lines - 1], width)]
    return lines


def _pieces(text: str, width: int) -> Iterable[str]:
    """Return words; one with characters of double width is cut where it is wider than a line."""
    for word in text.split():
        if text_width(word) == len(word) or text_width(word) <= width:
            yield word
            continue
        piece = ""
        for ch in word:
            if piece and text_width(piece + ch) > max(width, 2):
                yield piece
                piece = ""
            piece += ch
        yield piece


def has_room(text: str, width: int) -> bool:
    """Return whether each word of a text is at most so wide."""
    return all(text_width(word) <= width for word in text.split())


def _cut(line: str, width: int) -> str:
    """Return a line with an ellipsis in place of the words for which there is no room then."""
    while text_width(line) + 2 > width and " " in line.strip():
        line = line.rstrip().rpartition(" ")[0]
    return f"{line} …"


def shortened_path(path: str, width: int) -> str:
    """Return a path with an ellipsis in place of its first folders if it is wider than ``width``.

    >>> shortened_path("a/very/long/way/to/mine.py", 14)
    '…/to/mine.py'
    """
    if text_width(path) <= width or os.sep not in path:
        return path
    *folders, kept = path.split(os.sep)
    for folder in reversed(folders):
        longer = f"{folder}{os.sep}{kept}"
        if text_width(f"…{os.sep}{longer}") > width:
            break
        kept = longer
    return f"…{os.sep}{kept}"


def headers_of(lines: Cells) -> list[str]:
    """Return the headers of all lines, in order."""
    return list(dict.fromkeys(header for line in lines for header in line))


def columns(
    lines: Cells,
    margin: int = HEADER_MARGIN,
    rule: bool = True,
    roles: Mapping[tuple[int, str], Role] | None = None,
    paint: Paint = plain,
) -> str:
    """Return lines as columns below their headers, which may have lines of their own.

    Args:
        lines: the text of each cell by its header.
        margin: by how much a column is at least wider than its header.
        rule: whether there is a line below the headers.
        roles: what cells are coloured as, by the number of the line and the header.
        paint: how they are coloured.
    """
    headers = headers_of(lines)
    split = {header: header.split("\n") for header in headers}
    cells = [[line.get(header, "") for header in headers] for line in lines]
    widths = [
        max(
            margin + max(map(text_width, split[header])),
            *(text_width(row[i]) for row in cells),
        )
        for i, header in enumerate(headers)
    ]
    height = max(map(len, split.values()), default=0)

    def joined(texts: Sequence[str], paints: Sequence[Role | None]) -> str:
        parts = []
        for text, width, role in zip(texts, widths, paints, strict=True):
            space = " " * (width - text_width(text))
            parts.append((paint(text, role) if role else text) + space)
        return GAP.join(parts).rstrip()

    bold: list[Role | None] = ["heading"] * len(headers)
    shown = [
        joined([(*split[header], *[""] * height)[row] for header in headers], bold)
        for row in range(height)
    ]
    if rule:
        shown.append(GAP.join("-" * width for width in widths))
    for number, row in enumerate(cells):
        shown.append(joined(row, [(roles or {}).get((number, header)) for header in headers]))
    return "\n".join(shown)


def fits(text: str, width: int) -> bool:
    """Return whether each line of a text is at most so wide."""
    return all(text_width(line) <= width for line in text.splitlines())


def blocks(
    lines: Cells,
    width: int,
    labels: Sequence[str] = (),
    roles: Mapping[tuple[int, str], Role] | None = None,
    paint: Paint = plain,
) -> str:
    """Return lines as blocks: one for each, with a line for each of its cells.

    Args:
        lines: the text of each cell by its header.
        width: the width of a line.
        labels: headers of the cells that stand in the first line of a block, since they name it.
        roles: what cells are coloured as, by the number of the line and the header.
        paint: how they are coloured.
    """
    return "\n\n".join(
        "\n".join(_block(line, number, width, labels, roles or {}, paint))
        for number, line in enumerate(lines)
    )


def _block(
    line: Mapping[str, str],
    number: int,
    width: int,
    labels: Sequence[str],
    roles: Mapping[tuple[int, str], Role],
    paint: Paint,
) -> list[str]:
    names = {header: joined_header(header) for header in line}
    title = ", ".join(f"{names[h]} {line[h]}" for h in names if h in labels and line[h] not in "-")
    shown = [paint(text, "heading") for text in wrap(title, width, "", "    ")] if title else []
    empty = [header for header in line if line[header] in ("", "-")]
    inner = [header for header in line if header not in empty and header not in labels]
    column = 4 + max((text_width(names[header]) for header in inner), default=0)
    for header in inner:
        name, role = names[header], roles.get((number, header))
        if column <= width // 2 and has_room(line[header], width - column):
            first, *others = wrap(line[header], width, padded(f"  {name}", column), " " * column)
            texts = [first[column:] if role else first, *others]
            if role:
                texts[0] = padded(f"  {name}", column) + paint(texts[0], role)
        else:
            texts = wrap(f"{name}: {line[header]}", width, "  ", "      ")
        shown += texts
    if empty:
        shown += wrap(f"no value: {', '.join(names[h] for h in empty)}", width, "  ", "      ")
    return shown


def joined_header(header: str) -> str:
    """Return a header on one line.

    >>> joined_header("Clopper-\\nPearson"), joined_header("AUC\\n[95% CI]")
    ('Clopper-Pearson', 'AUC [95% CI]')
    """
    return " ".join(header.replace("-\n", "-").split())
