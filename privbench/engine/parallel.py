"""Chunks of a population, side by side: a thread each, and each on one core.

Two threads inside every operation wait for each other dozens of times a step; where another process
wants one of the cores, all of them wait for the thread that was put aside. Chunks do not wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import torch

from privbench.engine.loss import Progress
from privbench.engine.population import Population

Train = Callable[[range], Population]

POLL = 0.1  # seconds between two looks at what the chunks have done


class Stopped(Exception):
    """Another chunk has failed, or the user has pressed Ctrl-C: there is no use in going on."""


class Ticker:
    """Counts what the chunks have done. Progress is reported by the thread that made the ticker."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._lock = threading.Lock()
        self._owner = threading.get_ident()
        self._done = self._reported = 0
        self._total = total
        self._progress = progress
        self._stopped = False

    def __call__(self, count: int) -> None:
        """Add to what is done. Raises Stopped after ``stop``."""
        if self._stopped:
            raise Stopped
        with self._lock:
            self._done += count
        if threading.get_ident() == self._owner:
            self.report()

    def report(self) -> None:
        """Say how much is done, if it has changed."""
        if self._done > self._reported:
            self._reported = self._done
            self._progress(self._reported, self._total)

    def stop(self) -> None:
        """Make every chunk end at its next tick."""
        self._stopped = True


def workers_for(device: torch.device) -> int:
    """How many chunks can be trained side by side: the threads that torch may use on a CPU."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def spread(n_models: int, largest: int, workers: int) -> int:
    """Models in a chunk, at most ``largest``, so that all workers have as many chunks."""
    rounds = -(-n_models // largest)
    rounds = min(n_models, -(-rounds // workers) * workers)
    return -(-n_models // rounds)


def train_chunks(
    n_models: int, size: int, workers: int, train: Train, tick: Ticker
) -> list[Population]:
    """Train the models in chunks of ``size``; each worker's operations have one thread.

    The first error ends all chunks at their next tick, and is raised.
    """
    chunks = [range(s, min(s + size, n_models)) for s in range(0, n_models, size)]
    workers = min(workers, len(chunks))
    if workers <= 1:
        return [train(chunk) for chunk in chunks]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            try:
                return _collect([pool.submit(train, chunk) for chunk in chunks], tick)
            except BaseException:
                tick.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        torch.set_num_threads(before)


def _collect(futures: Sequence[Future[Population]], tick: Ticker) -> list[Population]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=POLL)
        for future in done:
            future.result()  # raises what the chunk raised
        tick.report()
    return [future.result() for future in futures]
