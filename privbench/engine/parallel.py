"""Chunks of a population side by side, each on one core and with one thread.

Two threads inside every operation wait for each other dozens of times a step; where another process
wants one of the cores, all of them wait for the thread that was put aside. Chunks do not wait. They are
forked processes where that is to be had (see ``processes``), else threads: processes train job L of
`bench/population.py` a tenth to a fifth faster, because they do not share Python's lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import torch

from privbench.engine.loss import Progress
from privbench.engine.population import Build, Population

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
        self._send: Callable[[int], None] | None = None

    def __call__(self, count: int) -> None:
        """Add to what is done. Raises Stopped after ``stop``."""
        if self._send is not None:
            return self._send(count)
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

    def send_to(self, send: Callable[[int], None]) -> None:
        """In a worker process: let the parent count."""
        self._send = send


def workers_for(device: torch.device) -> int:
    """How many chunks can be trained side by side on a CPU.

    The threads that torch may use, but no more than the cores that this process may run on: two that
    share one wait for each other.
    """
    if device.type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(torch.get_num_threads(), cores or 1)


def spread(n_models: int, largest: int, workers: int) -> list[range]:
    """Chunks of at most ``largest`` models, which differ by one at most, as many for each worker."""
    rounds = -(-n_models // largest)
    rounds = min(n_models, -(-rounds // workers) * workers)
    ends = [-(-n_models * (i + 1) // rounds) for i in range(rounds)]
    return [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def cut(n_models: int, size: int) -> list[range]:
    """Chunks of ``size`` models, and the rest."""
    return [range(start, min(start + size, n_models)) for start in range(0, n_models, size)]


def train_chunks(
    build: Build, chunks: Sequence[range], workers: int, train: Train, tick: Ticker, *, fork: bool
) -> list[Population]:
    """Train the models of each chunk, in order; each worker's operations have one thread.

    The first error ends all chunks at their next tick, and is raised.
    """
    from privbench.engine.processes import train_in_processes

    workers = min(workers, len(chunks))
    if workers <= 1:
        return [train(chunk) for chunk in chunks]
    if fork:
        return train_in_processes(build, chunks, workers, train, tick)
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        try:
            return _collect([pool.submit(train, chunk) for chunk in chunks], tick)
        except BaseException:
            tick.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def one_thread() -> Iterator[None]:
    """Let each operation of torch use one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
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
