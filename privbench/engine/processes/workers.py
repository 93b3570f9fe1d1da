"""Chunks of a population in worker processes, one thread each.

A forked worker has everything that its parent has: modules, losses, plugins that were loaded from a
single file, and the training data, which are in memory only once. Nothing is pickled on the way in;
weights come back as arrays. Threads of one process would share Python's lock, which a plain loop of
small operations holds all the time.

When a worker fails, its chunk is trained again in this process, so that type, message and traceback of
the error are those of the code that failed. Training is determined by its seeds, so it fails again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privbench.engine.core.arrays import as_tensor
from privbench.engine.core.population import Build, Population
from privbench.engine.processes.threads import one_torch_thread
from privbench.engine.processes.ticker import POLL, Ticker

TrainChunk = Callable[[range], Population]
"""Trains the models of a chunk."""

Weights = dict[str, NDArray[np.generic]]


class WorkerDied(RuntimeError):
    """A worker process ended without a result, as when the system runs out of memory."""


@dataclass(frozen=True)
class Worker:
    """A process, and the numbers of the chunks that it trains."""

    process: Any
    chunk_numbers: range


def can_fork(device: torch.device) -> bool:
    """Return whether workers can be forked from this process, to train on ``device``.

    They cannot:

    - where there is an accelerator, because autograd then has threads, which a fork loses;
    - on macOS, whose system libraries do not survive a fork;
    - inside a worker.
    """
    return (
        device.type == "cpu"
        and sys.platform.startswith("linux")
        and not torch.accelerator.is_available()
        and not multiprocessing.current_process().daemon
    )


def train_in_processes(
    build: Build, chunks: Sequence[range], workers: int, train: TrainChunk, tick: Ticker
) -> list[Population]:
    """Train each chunk by ``train(chunk)`` in one of ``workers`` forked processes.

    ``tick`` counts in this process. No worker outlives the call, however it ends, nor this process.

    Returns:
        The population of each chunk, in order.

    Raises:
        WorkerDied: If a worker ends without a result.
        Exception: What ``train`` raises.
    """
    with _started(chunks, min(workers, len(chunks)), train, tick) as running:
        done = _collect(chunks, running, tick)
    failed = next((number for number in done if isinstance(done[number], str)), None)
    if failed is not None:
        tick.send_to(lambda count: None)  # what the chunk has done was counted before
        return _train_again(chunks[failed], train, done[failed])
    return [_loaded(build, *done[number]) for number in range(len(chunks))]


@contextmanager
def _started(
    chunks: Sequence[range], workers: int, train: TrainChunk, tick: Ticker
) -> Iterator[dict[Connection, Worker]]:
    """Yield worker processes by the connection on which they send their results."""
    context = multiprocessing.get_context("fork")
    running: dict[Connection, Worker] = {}
    try:
        for first in range(workers):
            ours, theirs = context.Pipe(duplex=False)
            numbers = range(first, len(chunks), workers)
            process = context.Process(
                target=_work, args=(theirs, chunks, numbers, train, tick), daemon=True
            )
            running[ours] = Worker(process, numbers)  # before it starts: Ctrl-C may come between
            with warnings.catch_warnings():
                # Python 3.12 and later warn of a fork beside threads. The threads are those of OpenMP,
                # which a worker does not use: like workers of torch's DataLoader, it has one thread.
                warnings.filterwarnings("ignore", ".*multi-threaded.*", DeprecationWarning)
                process.start()
            theirs.close()  # so that the end of the worker is the end of the connection
        yield running
    finally:
        started = [w.process for w in running.values() if w.process.pid is not None]
        for process in started:
            process.kill()
        for process in started:
            process.join()
            process.close()
        for connection in running:
            connection.close()


def _collect(
    chunks: Sequence[range], running: dict[Connection, Worker], tick: Ticker
) -> dict[int, Any]:
    """Return the results by chunk number: weights, or the first error's traceback as a string."""
    done: dict[int, Any] = {}
    waiting = set(running)
    while len(done) < len(chunks):
        for connection in wait(list(waiting), timeout=POLL):
            assert isinstance(connection, Connection)
            try:
                message = connection.recv()
            except EOFError:
                waiting.discard(connection)
                _check_end(running[connection], chunks, done)
                continue
            if isinstance(message, int):
                tick(message)
                continue
            number, result = message
            done[number] = result
            if isinstance(result, str):
                return {number: result}
    return done


def _check_end(worker: Worker, chunks: Sequence[range], done: Container[int]) -> None:
    """Raise WorkerDied if a worker has ended before its last result."""
    missing = next((chunks[n] for n in worker.chunk_numbers if n not in done), None)
    if missing is None:
        return
    worker.process.join()
    code = worker.process.exitcode
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    raise WorkerDied(
        f"the worker process that trained models {missing.start} to {missing.stop - 1} ended with"
        f" {how}; if memory ran out, set OMP_NUM_THREADS=1 to train without worker processes"
    )


def _train_again(chunk: range, train: TrainChunk, trace: str) -> list[Population]:
    with one_torch_thread():  # as in the worker
        train(chunk)
    raise WorkerDied(
        f"models {chunk.start} to {chunk.stop - 1} failed in a worker process, but not when they were"
        f" trained again; the worker's error was:\n{trace}"
    )


def _work(
    results: Connection, chunks: Sequence[range], numbers: range, train: TrainChunk, tick: Ticker
) -> None:
    """Train the chunks of one worker process and send back their results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends its workers
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    tick.send_to(results.send)
    for number in numbers:
        try:
            population = train(chunks[number])
            weights = (population.params, population.buffers, population.facts)
            result: Any = tuple(map(_arrays, weights))
        except BaseException:
            result = traceback.format_exc()
        sys.stdout.flush()  # prints of the caller's loop; the parent kills us after the last result
        results.send((number, result))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _arrays(weights: dict[str, torch.Tensor]) -> Weights:
    return {name: tensor.detach().contiguous().numpy() for name, tensor in weights.items()}


def _loaded(build: Build, *weights: Weights) -> Population:
    tensors = ({name: as_tensor(array) for name, array in arrays.items()} for arrays in weights)
    return Population(build, *tensors)
