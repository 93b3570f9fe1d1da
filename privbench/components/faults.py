"""Attribute errors to components: what one raises is reported under its name, with its line of code."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from privbench.components.contained import contained
from privbench.components.distribution import source_places
from privbench.components.messages import error_text, printable
from privbench.errors import ComponentError, Incompatible, PrivbenchError, StorageFailed

if TYPE_CHECKING:
    from privbench.components.registry import Bound


@contextmanager
def calling(*bounds: Bound) -> Iterator[None]:
    """Turn whatever a component raises into a ComponentError, and keep third-party code contained.

    Args:
        bounds: the component that is called, then those that it calls in turn, such as the model that
            a training mechanism trains.

    Raises:
        ComponentError: the component raised anything but Incompatible, StorageFailed (parts of its
            work cannot be written) or KeyboardInterrupt. The message names it, the error, and the
            innermost line of its code.
    """
    whose = " and ".join(
        f"{bound.entry.kind} {bound.name} ({bound.entry.distribution})"
        for bound in bounds
        if bound.entry.third_party
    )
    try:
        with contained(printable(whose)) if whose else nullcontext():
            yield
    except (ComponentError, Incompatible, StorageFailed, KeyboardInterrupt):
        raise
    except BaseException as error:  # third-party code may raise anything
        bound, line = origin(error, *bounds)
        raise ComponentError(f"{bound.name}: {error_text(error, line)}") from error


def origin(error: BaseException, *bounds: Bound) -> tuple[Bound, str]:
    """Return the component that raised, and the innermost line of its code, as ``lira2.py:14``."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = Path(frame.f_code.co_filename)
        for bound in bounds:
            if _wrote(bound, file):
                return bound, f"{printable(file.name)}:{line}"
    return bounds[0], ""


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error, or of what a component raised for a ComponentError.

    It is empty for privbench's own errors, whose messages are written for the user.
    """
    raised = error.__cause__ if isinstance(error, ComponentError) else error
    if isinstance(raised, PrivbenchError):
        return ""
    return printable("".join(traceback.format_exception(raised)))


def _wrote(bound: Bound, file: Path) -> bool:
    """Return whether a file is a plugin's own code; lines of privbench are of no use to its author."""
    if not bound.entry.third_party:
        return False
    return any(file.is_relative_to(place) for place in source_places(bound.entry.cls.__module__))
