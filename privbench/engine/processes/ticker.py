"""Count how much training is done, across threads and worker processes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from privbench.engine.core.loss import Progress

POLL = 0.1
"""Seconds between two looks at the progress of chunks."""


class Stopped(Exception):
    """Raised in a chunk to end it, because another chunk failed or the user pressed Ctrl-C."""


class Ticker:
    """Counts what the chunks have done. Progress is reported by the thread that made the ticker."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._lock = threading.Lock()
        self._owner = threading.get_ident()
        self._done = self._reported = 0
        self._total = total
        self._progress = progress
        self._stopped = False
        self._send: Callable[[int], None] | None = None

    def __call__(self, count: int) -> None:
        """Add ``count`` to what is done. Raises Stopped after ``stop``."""
        if self._send is not None:
            return self._send(count)
        if self._stopped:
            raise Stopped
        with self._lock:
            self._done += count
        if threading.get_ident() == self._owner:
            self.report()

    def report(self) -> None:
        """Report how much is done, if that has changed."""
        if self._done > self._reported:
            self._reported = self._done
            self._progress(self._reported, self._total)

    def stop(self) -> None:
        """Make every chunk end at its next tick."""
        self._stopped = True

    def send_to(self, send: Callable[[int], None]) -> None:
        """Pass on all counts to ``send`` from here on, as a worker process does to its parent."""
        self._send = send
