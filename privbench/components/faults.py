"""Whose fault it was: what a component raises is reported under its name, with its own line of code."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privbench.components import Bound, source_places
from privbench.errors import ComponentError, Incompatible, PrivbenchError


@contextmanager
def calling(*bounds: Bound) -> Iterator[None]:
    """Turn what a component raises into a ComponentError; name first the one that is called.

    Others may follow that it calls in turn, such as the model that a training mechanism trains.
    """
    try:
        yield
    except (ComponentError, Incompatible):
        raise
    except (Exception, SystemExit) as error:  # third-party code
        bound, line = origin(error, *bounds)
        raise ComponentError(f"{bound.name}: {error_text(error, line)}") from error


def origin(error: BaseException, *bounds: Bound) -> tuple[Bound, str]:
    """Which of the components raised, and the innermost line of its code: ``lira2.py:14``."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = Path(frame.f_code.co_filename)
        for bound in bounds:
            if _wrote(bound, file):
                return bound, f"{file.name}:{line}"
    return bounds[0], ""


def error_text(error: BaseException, line: str = "") -> str:
    """``KeyError: 'x' (lira2.py:14)``; of privbench's own errors the message alone."""
    if isinstance(error, PrivbenchError):
        return str(error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{text} ({line})" if line else text


def trace_of(error: BaseException) -> str:
    """The traceback of an error; of a ComponentError that of what the component raised.

    None of privbench's own errors: their messages are written for the user.
    """
    if isinstance(error, ComponentError):
        return "".join(traceback.format_exception(error.__cause__))
    return "" if isinstance(error, PrivbenchError) else "".join(traceback.format_exception(error))


def _wrote(bound: Bound, file: Path) -> bool:
    """Whether a file is a plugin's own code. Lines of privbench are not named: nobody can fix them."""
    module = bound.entry.cls.__module__
    if module.partition(".")[0] == "privbench":
        return False
    return any(file.is_relative_to(place) for place in source_places(module))
