"""Progress of training: a bar in terminals and notebooks, and lines in the log elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from privbench.auditing.training.answers import Failure, Job, Trained
from privbench.progress import can_show, new_bar
from privbench.report.numbers import duration
from privbench.wording import plural

log = logging.getLogger(__name__)


class Progress:
    """Counts models, and estimates the time left from those that were trained.

    What the first model of each process takes counts for the log only until there are others, since it
    includes imports.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done, self.n_stored, self.started = total, 0, 0, time.perf_counter()
        self.seconds_stored = 0.0
        self._first, self._n_first = self.started, 0
        self._workers = 1
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if can_show():
            self._bar = new_bar(total=self.total, desc="training", unit="model", smoothing=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self.total and self.n_stored == self.total:
            log.info("all %d models were stored", self.total)

    def begin(self, missing: Sequence[Job], workers: int, again: int = 0) -> None:
        """Say how many models of a population are to be trained, and how long if some are stored.

        Args:
            missing: the models.
            workers: number of processes that train.
            again: how many of them were trained before, without the queries that they are now asked.
        """
        if not missing:
            return
        self._workers = workers
        what = f"{plural(len(missing), 'model')} to train, on {len(missing[0].rows):,} records each"
        if again:
            what += f" ({again} of them again, since they were not asked these queries)"
        if self.n_stored:
            left = self.seconds_stored / self.n_stored * len(missing) / workers
            log.info("%s: %s if they take as long as those stored", what, duration(left))
        else:
            log.info("%s; after the first the time left is known", what)

    def finished(self, job: Job, result: Trained | Failure, *, stored: bool) -> None:
        """Count a model that is trained, was stored, or failed."""
        self.done += 1
        self.n_stored += stored
        if stored and isinstance(result, Trained):
            self.seconds_stored += result.seconds + result.asking
        if self._bar is not None:
            if stored:  # it took no time, and must not count for the time left
                self._bar.initial += 1
            self._bar.update()
        if isinstance(result, Failure):
            if self._bar is not None:
                self._bar.clear()  # else the message would begin behind the bar
            log.warning("%s (seed %d) failed: %s", job.name, job.seed, result.text)
            log.debug("%s", result.trace)
        elif self._bar is None and not stored:
            left = duration(self._seconds_each() * (self.total - self.done))
            log.info(
                "%s: %d/%d trained, %.1f s each, %s left",
                job.name, self.done, self.total, result.seconds, left,
            )  # fmt: skip

    def _seconds_each(self) -> float:
        """Return the seconds of the clock for each model that is trained."""
        now, n_trained = time.perf_counter(), self.done - self.n_stored
        each = (now - self._first) / (n_trained - self._n_first)
        if n_trained == self._workers:
            self._first, self._n_first = now, n_trained
        return each
