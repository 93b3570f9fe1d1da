"""Log records as JSON: what a record is about, and how a worker process hands its records over."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

ABOUT = ("stage", "trial", "plugin")
"""What a record may be about."""
LOGGER = "privbench"
"""The name of the logger above all loggers of privbench."""
LEVELS = ("debug", "info", "warning", "error", "critical")
MAX_MESSAGE, MAX_NAME = 20_000, 500
"""Characters of a message or a traceback, and of a name; longer ones are cut in their middle."""

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 - never changed


@contextmanager
def about(**names: str) -> Iterator[None]:
    """Say what all records are about that are logged within the block, such as ``stage="scores a/b"``.

    Args:
        names: values for some of ABOUT.
    """
    token = _about.set({**_about.get(), **names})
    try:
        yield
    finally:
        _about.reset(token)


def to_json(record: logging.LogRecord, **names: str) -> dict[str, Any]:
    """Return a record as JSON values; those of ABOUT, seconds and traceback only if it has them.

    Whatever third-party code put into the record, nothing is raised.

    Args:
        record: the record.
        names: what it is about, unless it says so itself.
    """
    known = {**names, **_about.get()}
    values: dict[str, Any] = {
        "time": time_text(record.created),
        "level": level_name(record.levelno),
        "logger": shortened(str(record.name), MAX_NAME),
    }
    for name in ABOUT:
        value = getattr(record, name, None) or known.get(name)
        if isinstance(value, str):
            values[name] = shortened(value, MAX_NAME)
    values["message"] = shortened(_message(record), MAX_MESSAGE)
    seconds = getattr(record, "seconds", None)
    if isinstance(seconds, int | float) and math.isfinite(seconds):
        values["seconds"] = round(float(seconds), 6)
    trace = _traceback(record)
    if trace:
        values["traceback"] = shortened(trace, MAX_MESSAGE)
    return values


def from_json(values: Mapping[str, Any]) -> logging.LogRecord:
    """Return the record that a worker sent as `to_json` wrote it; values of other types are left out."""
    level = values.get("level")
    number = logging.getLevelNamesMapping()[str(level).upper()] if level in LEVELS else logging.INFO
    name = values.get("logger")
    is_own = isinstance(name, str) and (name == LOGGER or name.startswith(f"{LOGGER}."))
    record = logging.LogRecord(
        name if is_own and isinstance(name, str) else f"{LOGGER}.workers",
        number, "", 0, str(values.get("message", "")), None, None,
    )  # fmt: skip
    for key in (*ABOUT, "traceback"):
        if isinstance(values.get(key), str):
            setattr(record, key, values[key])
    record.seconds = values.get("seconds")  # `to_json` checks it
    return record


@contextmanager
def collecting(send: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Send all records of privbench that are logged within the block, as a worker process does.

    Args:
        send: gets each record as JSON values; the main process calls `replay` with them.
    """
    log = logging.getLogger(LOGGER)
    level, handlers, propagate = log.level, log.handlers, log.propagate
    log.handlers, log.propagate = [_Sender(send)], False
    log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def replay(values: Mapping[str, Any], **names: str) -> None:
    """Log a record of a worker process here, as if it had been logged in this process.

    Args:
        values: the record, as `collecting` sent it. A worker runs third-party code, so that it may be
            anything.
        names: what it is about, such as the stage that was given to the worker; they count more than
            what the worker says.
    """
    record = from_json(values)
    for key, name in names.items():
        setattr(record, key, name)
    log = logging.getLogger(record.name)
    if log.isEnabledFor(record.levelno):
        log.handle(record)


class _Sender(logging.Handler):
    """Sends each record as JSON values."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        self._send(to_json(record))


def time_text(seconds: float) -> str:
    """Return a time in UTC, ISO 8601 with milliseconds; empty for what is no time.

    >>> time_text(0.25)
    '1970-01-01T00:00:00.250+00:00'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, TypeError, ValueError):
        return ""


def level_name(number: int) -> str:
    """Return the name of the level at or below a number.

    >>> level_name(logging.INFO + 5), level_name(1)
    ('info', 'debug')
    """
    return LEVELS[min(max(number // 10 - 1, 0), len(LEVELS) - 1)]


def shortened(text: str, limit: int) -> str:
    """Return text with its middle left out if it is longer than a limit.

    >>> shortened("0123456789" * 3, 10)
    '01234 [20 characters left out] 56789'
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [{len(text) - 2 * half:,} characters left out] {text[-half:]}"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # a message of third-party code that does not fit its arguments
        return f"{record.msg!r:.200} cannot be written: {type(error).__name__}"


def _traceback(record: logging.LogRecord) -> str:
    given = getattr(record, "traceback", None)
    if isinstance(given, str):
        return given
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    try:
        return "".join(traceback.format_exception(record.exc_info[1]))
    except Exception as error:  # an exception of third-party code that cannot be printed
        return (
            f"{type(record.exc_info[1]).__name__}, which cannot be written: {type(error).__name__}"
        )
