"""Divide a population into chunks, and train them side by side, each on one core and with one thread.

If every operation is shared by two threads, these wait for each other dozens of times per step, and if
another process needs one of the cores, all of them wait for the thread that was suspended. Chunks do not
wait for each other. They are trained in forked processes where possible (see ``workers``), else in
threads: processes train workload L of `bench/population.py` 10% to 20% faster, because they do not share
Python's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from privbench.engine.core.population import Build, Population
from privbench.engine.processes.threads import one_torch_thread
from privbench.engine.processes.ticker import POLL, Ticker
from privbench.engine.processes.workers import TrainChunk, train_in_processes

SIDE_BY_SIDE = 4
"""How many chunks a population of at least 16 models is divided into, if they fit."""
FEWEST = 4
"""Models that a chunk has at least, if there are as many: fewer at once take longer each.

4, 8 and 16 models at once take the same time each if they are MLPs 446-128-30. If they are MLPs
20-16-30, 4 at once take a fifth longer than 8.
"""


def side_by_side(n_models: int) -> int:
    """Return for how many cores a population is divided.

    The last bit of a weight depends on how many models are trained at once. So this follows from the
    number of models, and not from the cores that there are.
    """
    return max(1, min(SIDE_BY_SIDE, n_models // FEWEST))


def spread(n_models: int, largest: int, workers: int) -> list[range]:
    """Divide models into chunks of at most ``largest``, as many for each worker.

    The sizes of two chunks differ by one at most.
    """
    rounds = -(-n_models // largest)
    rounds = min(n_models, -(-rounds // workers) * workers)
    ends = [-(-n_models * (i + 1) // rounds) for i in range(rounds)]
    return [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def cut(n_models: int, size: int) -> list[range]:
    """Divide models into chunks of ``size``; the last one has the rest."""
    return [range(start, min(start + size, n_models)) for start in range(0, n_models, size)]


def train_chunks(
    build: Build,
    chunks: Sequence[range],
    workers: int,
    train: TrainChunk,
    tick: Ticker,
    *,
    fork: bool,
) -> list[Population]:
    """Train the models of each chunk by ``train``; with several workers, each has one thread.

    Args:
        build: Builds a module.
        chunks: The models of each chunk.
        workers: How many chunks are trained side by side.
        train: Trains the models of a chunk.
        tick: Counts what ``train`` has done.
        fork: Whether workers are forked processes, or else threads.

    Returns:
        The population of each chunk, in order.

    Raises the first error of a chunk, which ends the others at their next tick.
    """
    workers = min(workers, len(chunks))
    if workers <= 1:
        return [train(chunk) for chunk in chunks]
    if fork:
        return train_in_processes(build, chunks, workers, train, tick)
    with one_torch_thread(), ThreadPoolExecutor(workers) as pool:
        try:
            return _collect([pool.submit(train, chunk) for chunk in chunks], tick)
        except BaseException:
            tick.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _collect(futures: Sequence[Future[Population]], tick: Ticker) -> list[Population]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=POLL)
        for future in done:
            future.result()  # raises what the chunk raised
        tick.report()
    return [future.result() for future in futures]
