"""What commands print: JSON, tables, and text that fits the width of the terminal.

All of it goes through `echo`, so that nothing that a plugin says acts on the terminal.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from privbench.errors import BadInput
from privbench.escape import one_line, terminal

COMMAND = "privbench.command"
"""The key of `click.Context.meta` under which the whole command is, as a user would type it."""


def terminal_width() -> int | None:
    """Return the width of the terminal that stdout is, or None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def line_width() -> int:
    """Return the width for text: that of COLUMNS, else of the terminal, else 80."""
    return shutil.get_terminal_size().columns


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print text, as `terminal` writes it.

    Args:
        text: the text; names in it should be on `one_line`.
        err: whether to print on stderr instead of stdout.
        nl: whether to end the line.
    """
    click.echo(terminal(str(text)), err=err, nl=nl)


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    echo(json.dumps(value, indent=1))


def print_table(lines: list[dict[str, str]]) -> None:
    """Print a plain table on stdout."""
    from tabulate import tabulate

    cells = [{head: one_line(text) for head, text in line.items()} for line in lines]
    echo(tabulate(cells, headers="keys", tablefmt="plain", disable_numparse=True))


def print_definitions(definitions: Mapping[str, str], max_lines: int | None = None) -> None:
    """Print names in one column and their texts, wrapped, in a second column.

    Args:
        definitions: the text of each name.
        max_lines: lines after which a text is cut off with an ellipsis; None for no limit.
    """
    names = {name: one_line(name) for name in definitions}
    column = 4 + max(map(len, names.values()), default=0)
    for name, text in definitions.items():
        start = f"  {names[name]}".ljust(column)
        echo(wrapped(f"{start}{one_line(text)}", " " * column, max_lines))


def wrapped(text: str, indent: str = "    ", max_lines: int | None = None) -> str:
    """Wrap a paragraph between words, so that paths and addresses stay whole.

    Args:
        text: the paragraph; its first line keeps its own indentation.
        indent: indentation of the other lines.
        max_lines: lines after which the text is cut off with an ellipsis; None for no limit.
    """
    return textwrap.fill(
        text,
        max(line_width(), len(indent) + 20),
        subsequent_indent=indent,
        max_lines=max_lines,
        placeholder=" …",
        break_on_hyphens=False,
        break_long_words=False,
    )


def wrapped_document(text: str) -> str:
    """Wrap paragraphs that are too wide; an indented line or a list item keeps a line of its own."""
    return "\n\n".join(_wrapped_paragraph(paragraph) for paragraph in text.split("\n\n"))


def _wrapped_paragraph(paragraph: str) -> str:
    lines = paragraph.splitlines()
    if all(len(line) <= line_width() for line in lines):
        return paragraph
    if not any(line.startswith((" ", "- ", "* ")) for line in lines):
        return wrapped(" ".join(lines), "")
    indents = [" " * (len(line) - len(line.lstrip(" -*"))) for line in lines]
    return "\n".join(wrapped(line, indent) for line, indent in zip(lines, indents, strict=True))


def write_text(path: Path, text: str, option: str = "-o") -> None:
    """Write the file that an option names.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{option} {path}: {error.strerror}") from None


def check_suffix(path: Path, allowed: Iterable[str], option: str = "-o") -> None:
    """Check what a file is called, before anything is computed for it.

    Raises:
        BadInput: the suffix is not one of the allowed ones, or the folder does not exist.
    """
    if path.suffix not in allowed:
        raise BadInput(
            f"{option} {path}: unknown format {path.suffix!r} (allowed: {', '.join(allowed)})"
        )
    if not path.parent.is_dir():
        raise BadInput(f"{option} {path}: no such folder {path.parent}")
