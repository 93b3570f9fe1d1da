"""Contain third-party code: send what it prints to stderr, and put settings of the process back.

Code that escapes on purpose is not stopped where it runs in this process. Nor is what bypasses Python:
``os.write(1, ...)``, a library in C that prints, and the output of a child process go to stdout. In a
worker process they do not (docs/executors.md).
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from privbench.components.switches import saved, saved_seeds

log = logging.getLogger(__name__)

NOT_WRITABLE = "The given (NumPy array|buffer) is not writable"
"""Begins torch's warning about a tensor that shares memory with a read-only array (a pattern)."""

SHADOWS = 'Field name ".*" in ".*" shadows an attribute in parent'
"""How pydantic warns of a parameter that registration refuses."""


@contextmanager
def contained(whose: str = "", changes: list[str] | None = None) -> Iterator[None]:
    """Send what is printed to stderr, and put settings of the whole process back afterwards.

    These are the standard streams, the recursion limit, the working directory, handlers of signals, the
    file mode mask, environment variables, NumPy's error handling, warning filters, and torch's default
    type and device, grad mode, deterministic algorithms, precision of matrix products and number of
    threads. Worker processes that are forked meanwhile print to stderr too.

    Torch has no read-only tensors: one that is made of a read-only array without a copy would write
    through it. Torch only warns of that, and here the warning is an error, which costs nothing where
    copies and checksums of all that is handed out would cost a pass over the data.

    Args:
        whose: whose code it is; a warning in the log names it with the settings that it has changed.
        changes: takes the names of these settings. It is for an import: the states of the global random
            generators are among the settings then.
    """
    restore = [_standard_streams(), *saved(), *(saved_seeds() if changes is not None else [])]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=NOT_WRITABLE)
            warnings.filterwarnings("ignore", message=SHADOWS)
            yield
    finally:
        names = [name for undo in restore for name in undo()]
        if names and changes is not None:
            changes += names
        if names and whose:
            _warn(whose, names)


_WARNED: set[tuple[str, str]] = set()
"""Who has changed what, so that it is said once a process."""


def _warn(whose: str, names: list[str]) -> None:
    new = [name for name in names if (whose, name) not in _WARNED]
    _WARNED.update((whose, name) for name in new)
    if new:
        log.warning("%s changed %s; this was put back", whose, ", ".join(new))


class _Unclosed:
    """A stream that third-party code cannot close."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Leave the stream open."""


def _standard_streams() -> Callable[[], list[str]]:
    before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    stream: Any = sys.stderr if isinstance(sys.stderr, _Unclosed) else _Unclosed(sys.stderr)
    sys.stdout = sys.stderr = stream
    # Types say that these two are constants, and code that prints to them means the terminal.
    sys.__stdout__ = sys.__stderr__ = stream  # type: ignore[misc]

    def undo() -> list[str]:
        kept = sys.stdout is stream and sys.stderr is stream
        sys.stdout, sys.stderr = before[:2]
        # The same two constants.
        sys.__stdout__, sys.__stderr__ = before[2:]  # type: ignore[misc]
        return [] if kept else ["standard streams"]

    return undo
