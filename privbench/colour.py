"""Colours of a terminal: what may be coloured, and how text that has been escaped is told apart.

Meaning is never by colour alone, so that nothing is lost where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, TextIO

Role = Literal["heading", "name", "best", "warning", "bad"]
Paint = Callable[[str, Role], str]
"""Returns text in the colour of its role; the text has been escaped, and is on one line."""

STYLES: dict[Role, dict[str, Any]] = {
    "heading": {"bold": True},
    "name": {"fg": "cyan"},
    "best": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
}


class Styled(str):
    """Text that has been escaped, and that a terminal may act on: it has colours of privbench's own."""


def plain(text: str, role: Role) -> str:
    """Return text as it is."""
    return text


def ansi(text: str, role: Role) -> str:
    """Return text with the escape sequences of its colour."""
    import click

    return click.style(text, **STYLES[role]) if text else text


def has_colour(stream: TextIO | None) -> bool:
    """Return whether text on a stream is coloured; the first of these that applies decides.

    1. NO_COLOR is set (https://no-color.org): no;
    2. FORCE_COLOR or CLICOLOR_FORCE is set, to something else than 0: yes;
    3. TERM is ``dumb``: no;
    4. the stream is a terminal: yes. One that was closed before the start is None.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(
        os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    ):
        return True
    return os.environ.get("TERM") != "dumb" and stream is not None and stream.isatty()
