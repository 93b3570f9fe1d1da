"""Questions on a terminal. They go to stderr, since stdout is for data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches

import click

from privbench.cli.output import echo, line_width
from privbench.escape import one_line
from privbench.layout import padded, text_width, wrap


def is_interactive() -> bool:
    """Return whether there is somebody to ask: both stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(offered: Sequence[tuple[str, str]]) -> str:
    """Ask which of several things, by number or name, and return its name.

    Args:
        offered: names, and what is said of each.
    """
    names = [name for name, _ in offered]
    width = max(text_width(one_line(name)) for name in names)
    for number, (name, text) in enumerate(offered, start=1):
        start = f"{number:3}  {padded(one_line(name), width)}  "
        for line in wrap(one_line(text), line_width(), start, " " * text_width(start)):
            echo(line, err=True)
    while True:
        answer = str(click.prompt("number or name", err=True)).strip()
        if answer in names:
            return answer
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        near = get_close_matches(answer, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"1 to {len(names)}, or a name"
        echo(one_line(f"there is no {answer!r}; {hint}"), err=True)
