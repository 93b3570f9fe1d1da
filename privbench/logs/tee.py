"""Take every record of a logger, and pass on to its own handlers what they would have got anyway."""

from __future__ import annotations

import logging
from collections.abc import Callable

from privbench.logs.records import LOGGER


class Tee(logging.Handler):
    """Takes all records of privbench from DEBUG up, and those of other code that the root logger gets.

    Handlers, levels, and the absence of handlers mean the same as before, so that neither the terminal
    nor a program that uses privbench sees records that it did not ask for. A record with the attribute
    ``is_event`` is shown only where records of DEBUG level are, and one with ``file_only`` nowhere.
    """

    def __init__(self, take: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._take = take
        self._own, self._root = logging.getLogger(LOGGER), logging.getLogger()
        self._before: dict[logging.Logger, logging.Logger] = {}

    def attach(self) -> None:
        """Take the place of the handlers of privbench's logger and of the root logger."""
        for log in (self._root, self._own):
            before = logging.Logger(log.name, log.level)
            before.handlers, before.propagate = log.handlers, log.propagate
            before.parent = self._before.get(self._root)
            self._before[log] = before
            log.handlers = [self]
        self._own.propagate = False
        self._own.setLevel(logging.DEBUG)

    def detach(self) -> None:
        """Put everything back, with handlers that were added meanwhile."""
        for log, before in self._before.items():
            log.handlers = before.handlers + [one for one in log.handlers if one is not self]
            log.propagate = before.propagate
        self._own.setLevel(self._before[self._own].level)
        self._before.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record and pass it on."""
        self._take(record)
        if getattr(record, "file_only", False):
            return
        is_own = record.name == LOGGER or record.name.startswith(f"{LOGGER}.")
        before = self._before.get(self._own if is_own else self._root)
        if before is None:  # another thread logs while the log ends
            return
        level = logging.DEBUG if getattr(record, "is_event", False) else record.levelno
        if not is_own or level >= self._level_before(record.name):
            before.callHandlers(record)

    def _level_before(self, name: str) -> int:
        """Return the level from which records of one of privbench's loggers were handled."""
        log: logging.Logger | None = logging.getLogger(name)
        while log is not None and log is not self._own:
            if log.level:
                return log.level
            log = log.parent
        return self._before[self._own].getEffectiveLevel()
