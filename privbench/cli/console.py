"""Talk on stderr: one console, so that warnings and the progress bar do not overwrite each other."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> Console:
    """The console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


class LogHandler(logging.Handler):
    """Prints privbench's log records on the console."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record: a warning says that it is one, information does not."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = f"{level}{record.getMessage()}"
        console().print(text, markup=False, soft_wrap=True)
