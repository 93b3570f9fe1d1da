"""End a command when a signal asks for it, so that nothing that was computed is lost.

A command listens to SIGINT (Ctrl-C), SIGTERM (`kill`, a batch system) and SIGHUP (a terminal that is
closed). Each raises `Interrupted` in the main thread, with two exceptions:
    1. while stages are computed, the first SIGINT only asks: what is in progress is finished first;
    2. while something is written, the signal waits until it is.

Nothing is changed for who uses privbench from Python, where Ctrl-C raises KeyboardInterrupt.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
ASKED = "\ninterrupted: what is being computed is finished first; Ctrl-C once more abandons it\n"


class Interrupted(KeyboardInterrupt):
    """A signal ends the command."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number


@dataclass
class _State:
    """What has come in; signals belong to the whole process, and so does this."""

    before: dict[int, Any] = field(default_factory=dict)
    """The handlers that were there before."""
    is_ready: bool = False
    """Whether a command runs, which catches what is raised; before and after it, a signal just kills."""
    is_patient: bool = False
    """Whether stages are being computed, so that the first SIGINT only asks."""
    asked: bool = False
    number: int | None = None
    """The signal that ends the command. If what ran swallowed it, the next stage raises it again."""
    shields: int = 0
    is_waiting: bool = False
    """Whether a signal came while something was written."""


_state = _State()


@contextmanager
def listening() -> Iterator[None]:
    """Handle the signals, but for those that this process was told to ignore, as by `nohup`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hook = sys.unraisablehook
    sys.unraisablehook = _quiet
    try:
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN and number not in _state.before:
                _state.before[number] = before
                signal.signal(number, _handle)
        _state.is_ready = True
        yield
    finally:
        _state.is_ready = False
        sys.unraisablehook = hook
        _forget()


def leave(error: KeyboardInterrupt) -> int:
    """Ignore further signals, since the command ends, and return its exit status: 128 + the signal."""
    for number in SIGNALS:
        if number in _state.before:
            signal.signal(number, signal.SIG_IGN)
    return 128 + getattr(error, "number", signal.SIGINT)


@contextmanager
def patient() -> Iterator[None]:
    """Let the first SIGINT only ask, as long as stages are computed."""
    _state.is_patient = True
    try:
        yield
    finally:
        _state.is_patient = False


def is_asked() -> bool:
    """Return whether the command should end before the next stage begins."""
    return _state.asked or _state.number is not None


def check() -> None:
    """End the command here if that was asked for.

    Raises:
        Interrupted: it was.
    """
    if is_asked():
        raise Interrupted(_state.number or signal.SIGINT)


@contextmanager
def shielded() -> Iterator[None]:
    """Let signals, which the main thread gets, wait until something short is written as a whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1
    if not _state.shields and _state.is_waiting:
        _state.is_waiting = False
        check()


def _handle(number: int, frame: FrameType | None) -> None:
    if not _state.is_ready:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    if number == signal.SIGINT and _state.is_patient and not _state.asked:
        _state.asked = True
        # Streams of Python may be in the middle of a line, and cannot be entered twice.
        with contextlib.suppress(OSError):  # the terminal is gone
            os.write(2, ASKED.encode())
        return
    _state.number = number
    if _state.shields:
        _state.is_waiting = True
        return
    raise Interrupted(number)


def _quiet(problem: Any) -> None:
    """Report what cannot be raised as Python does, but for an interrupt, which is raised again later."""
    if not isinstance(problem.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(problem)


def _forget() -> None:
    """Handle signals as before, also in a forked process: its parent decides when it ends."""
    for number, before in _state.before.items():
        signal.signal(number, before)
    _state.before.clear()
    _state.is_ready = _state.is_patient = _state.asked = _state.is_waiting = False
    _state.number, _state.shields = None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
