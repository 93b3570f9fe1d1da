"""What commands print: JSON, tables, and text that fits the width of the terminal.

All of it goes through `echo`, so that nothing that a plugin says acts on the terminal.
"""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from privbench.colour import Paint, Role, Styled, ansi, has_colour, plain
from privbench.components.messages import near
from privbench.errors import BadInput, PrivbenchError
from privbench.escape import one_line, terminal
from privbench.layout import blocks, columns, fits, has_room, headers_of, text_width, wrap
from privbench.storage.files import why_not_written, write_whole

COMMAND = "privbench.command"
"""The key of `click.Context.meta` under which the whole command is, as a user would type it."""
MIN_TEXT_WIDTH = 20
"""The least width of a text beside a column of names."""


def terminal_width() -> int | None:
    """Return the width of the terminal that stdout is, or None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; one that was closed before the start is None."""
    return stream is not None and stream.isatty()


def line_width() -> int:
    """Return the width for text: that of COLUMNS, else of the terminal, else 80."""
    return shutil.get_terminal_size().columns


def painter(err: bool = False) -> Paint:
    """Return how text on stdout is coloured, or on stderr."""
    return ansi if has_colour(sys.stderr if err else sys.stdout) else plain


def painted(text: str, role: Role, *, err: bool = False) -> Styled:
    """Return text for `echo` in the colour of its role, where its stream has colours."""
    return Styled(painter(err)(terminal(text), role))


def echo(*texts: object, err: bool = False, nl: bool = True) -> None:
    """Print texts, one behind the other, as `terminal` writes them; `Styled` ones as they are.

    Args:
        texts: the texts; names in them should be on `one_line`.
        err: whether to print on stderr instead of stdout.
        nl: whether to end the line.
    """
    safe = "".join(text if isinstance(text, Styled) else terminal(str(text)) for text in texts)
    colour = any(isinstance(text, Styled) for text in texts) or None
    try:
        click.echo(safe, err=err, nl=nl, color=colour)
    except OSError as error:
        # A reader that ends early, as `head` does, is click's business; a terminal may be gone.
        if error.errno == errno.EPIPE or err:
            raise
        raise PrivbenchError(f"stdout: {error.strerror}") from None


def echo_error(message: str) -> None:
    """Print the message of an error on stderr, wrapped by the width of a terminal."""
    width = line_width() if is_terminal(sys.stderr) else None
    echo(painted("error:", "bad", err=True), f" {message_text(message, 7, width)}", err=True)


def message_text(message: str, start: int, width: int | None) -> str:
    """Return a message with each of its lines wrapped between words.

    Args:
        message: the message.
        start: how much of the first line is taken.
        width: the width of a line; None for lines of any width.
    """
    safe = terminal(message)
    if width is None:
        return safe
    first, *others = safe.split("\n")
    lines = wrap(first, width, " " * start, "    ")
    for line in others:
        indent = _indent_of(line)
        lines += wrap(line, width, indent, f"{indent}    ")
    return "\n".join(lines)[start:]


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    echo(json.dumps(value, indent=1))


def print_table(lines: list[dict[str, str]]) -> None:
    """Print a plain table on stdout; on a terminal that is too narrow, its last column is wrapped.

    If that does not help, each line is a block.
    """
    cells, width = _escaped(lines), terminal_width()
    if width is None or fits(columns(cells, rule=False), width):
        print_columns(lines)
    else:
        echo(Styled(_narrow(cells, width, painter())))


def print_columns(lines: list[dict[str, str]]) -> None:
    """Print a plain table on stdout as columns, whatever the width of the terminal."""
    echo(Styled(columns(_escaped(lines), rule=False, paint=painter())))


def _escaped(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{one_line(head): one_line(text) for head, text in line.items()} for line in lines]


def _narrow(cells: list[dict[str, str]], width: int, paint: Paint) -> str:
    """Return a table with a last column that is wrapped, or blocks if that is too wide as well."""
    *others, last = headers_of(cells)
    start = text_width(columns(cells, 0, rule=False).partition(last)[0])
    lines = []
    for line in cells:
        first, *more = wrap(line[last], max(width - start, 1))
        lines += [
            line | {last: first},
            *(dict.fromkeys(others, "") | {last: text} for text in more),
        ]
    if fits(columns(lines, 0, rule=False), width):
        return columns(lines, 0, rule=False, paint=paint)
    return blocks(cells, width, others[:1], paint=paint)


def print_definitions(definitions: Mapping[str, str], max_lines: int | None = None) -> None:
    """Print names in one column and their texts, wrapped, in a second column.

    Where names leave too little room, a text is below its name.

    Args:
        definitions: the text of each name.
        max_lines: lines after which a text is cut off with an ellipsis; None for no limit.
    """
    width = line_width()
    names = {name: one_line(name) for name in definitions}
    column = 4 + max(map(text_width, names.values()), default=0)
    for name, text in definitions.items():
        is_narrow = column + MIN_TEXT_WIDTH > width or not has_room(one_line(text), width - column)
        indent = " " * (6 if is_narrow else column)
        first, *others = wrap(one_line(text), width, indent, indent, max_lines)
        gap = " " * (column - 2 - text_width(names[name]))
        beside = "\n" + first if is_narrow else gap + first[column:]
        echo("  ", painted(names[name], "name"), beside, *(f"\n{line}" for line in others))


def fitted(text: str, first: str = "", rest: str = "    ") -> str:
    """Return a paragraph as `wrap` does if stdout is a terminal, and otherwise on one line."""
    width = terminal_width()
    return f"{first}{text}" if width is None else "\n".join(wrap(text, width, first, rest))


def wrapped(text: str, indent: str = "    ", max_lines: int | None = None) -> str:
    """Wrap a paragraph between words, so that paths and addresses stay whole.

    Args:
        text: the paragraph; its first line keeps its own indentation.
        indent: indentation of the other lines.
        max_lines: lines after which the text is cut off with an ellipsis; None for no limit.
    """
    return "\n".join(wrap(text, line_width(), _indent_of(text), indent, max_lines))


def wrapped_document(text: str) -> str:
    """Wrap paragraphs that are too wide; an indented line or a list item keeps a line of its own."""
    return "\n\n".join(_wrapped_paragraph(paragraph) for paragraph in text.split("\n\n"))


def _wrapped_paragraph(paragraph: str) -> str:
    lines = paragraph.splitlines()
    if fits(paragraph, line_width()):
        return paragraph
    if not any(line.startswith((" ", "- ", "* ")) for line in lines):
        return wrapped(" ".join(lines), "")
    indents = [" " * (len(line) - len(line.lstrip(" -*"))) for line in lines]
    return "\n".join(wrapped(line, indent) for line, indent in zip(lines, indents, strict=True))


def write_text(path: Path, text: str, option: str = "-o") -> None:
    """Write the file that an option names, as a whole or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise BadInput(f"{option} {path}: {why_not_written(path, error)}") from None


def check_suffix(path: Path, allowed: Iterable[str], option: str = "-o") -> None:
    """Check what a file is called, before anything is computed for it.

    Raises:
        BadInput: the suffix is not one of the allowed ones, or the folder does not exist.
    """
    if path.suffix not in allowed:
        hint = near(path.suffix, allowed)
        raise BadInput(
            f"{option} {path}: unknown format {path.suffix!r}{hint} (allowed: {', '.join(allowed)})"
        )
    if not path.parent.is_dir():
        raise BadInput(f"{option} {path}: no such folder {path.parent}")
