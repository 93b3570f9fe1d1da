"""Messages on stderr, on one console, so that warnings and the progress bar do not collide."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from privbench.escape import terminal

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> Console:
    """Return the console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


class LogHandler(logging.Handler):
    """Prints the log records of privbench on the console."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, with its level if it is a warning or worse."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = f"{level}{record.getMessage()}"
        console().print(terminal(text), markup=False, soft_wrap=True)
