"""Messages on stderr, on one console, so that warnings and the progress bar do not collide."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING

from privbench.cli.output import message_text
from privbench.colour import has_colour
from privbench.escape import one_line
from privbench.plugins.host import FAILURE

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> Console:
    """Return the console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


class LogHandler(logging.Handler):
    """Prints the log records of privbench on the console.

    Args:
        lists_failures: whether the command prints the failures of plugins itself.
    """

    def __init__(self, *, lists_failures: bool = False) -> None:
        super().__init__()
        if lists_failures:
            self.addFilter(lambda record: not hasattr(record, FAILURE))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, with its level if it is a warning or worse."""
        from rich.text import Text

        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        width = console().width if console().is_terminal else None
        message = message_text(_text(record), len(level), width)
        colour = "yellow" if record.levelno <= logging.WARNING else "bold red"
        text = Text.assemble((level, colour if has_colour(sys.stderr) else ""), message)
        console().print(text, soft_wrap=True)


def _text(record: logging.LogRecord) -> str:
    """Return the message of a record, with the stage or the trial that it names, and the seconds."""
    named = getattr(record, "stage", None) or getattr(record, "trial", None)
    seconds = getattr(record, "seconds", None)
    start = f"{one_line(str(named))}: " if named else ""
    end = f" ({seconds:.2f} s)" if isinstance(seconds, int | float) else ""
    return f"{start}{record.getMessage()}{end}"
