"""Chunks of a population, side by side: a thread each, and each on one core.

Two threads inside every operation wait for each other dozens of times a step; where another process
wants one of the cores, all of them wait for the thread that was put aside. Chunks do not wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from privbench.engine.loss import Progress
from privbench.engine.population import Population

Train = Callable[[range], Population]


class Ticker:
    """Counts what the chunks have done, whichever thread says so."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._lock = threading.Lock()
        self._done = 0
        self._total = total
        self._progress = progress

    def __call__(self, count: int) -> None:
        """Add to what is done."""
        with self._lock:
            self._done += count
            self._progress(self._done, self._total)


def workers_for(device: torch.device) -> int:
    """How many chunks can be trained side by side: the threads that torch may use on a CPU."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def spread(n_models: int, largest: int, workers: int) -> int:
    """Models in a chunk, at most ``largest``, so that all workers have as many chunks."""
    rounds = -(-n_models // largest)
    rounds = min(n_models, -(-rounds // workers) * workers)
    return -(-n_models // rounds)


def train_chunks(n_models: int, size: int, workers: int, train: Train) -> list[Population]:
    """Train the models in chunks of ``size``; each worker's operations have one thread."""
    chunks = [range(s, min(s + size, n_models)) for s in range(0, n_models, size)]
    workers = min(workers, len(chunks))
    if workers <= 1:
        return [train(chunk) for chunk in chunks]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(train, chunk) for chunk in chunks]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        torch.set_num_threads(before)
