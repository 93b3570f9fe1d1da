"""Chunks of a population in worker processes, one thread each.

A forked worker has everything that its parent has: modules, losses, plugins that were loaded from a
single file, and the training data, which so lie once in memory. Nothing is pickled on the way in;
weights come back as arrays. Chunks that run as threads of one process share Python's lock instead, and
a plain loop of small operations holds it all the time.

An error of a worker is raised where the caller can see it: the chunk is trained again in this process,
so that type, message and traceback are those of the code that failed. Training follows from its seeds
alone, so it fails again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privbench.engine.arrays import as_tensor
from privbench.engine.parallel import POLL, Ticker, Train, one_thread
from privbench.engine.population import Build, Population

Weights = dict[str, NDArray[np.generic]]


class WorkerDied(RuntimeError):
    """A worker process ended without a result, as when the system runs out of memory."""


@dataclass(frozen=True)
class Worker:
    """A process, and which chunks it trains."""

    process: Any
    own: range


def can_fork(device: torch.device) -> bool:
    """Whether workers can be forked from this process, to train on ``device``.

    Not where there is an accelerator: autograd then has threads of its own, which a fork loses. Not on
    macOS, whose system libraries do not survive a fork. Not inside a worker.
    """
    return (
        device.type == "cpu"
        and sys.platform.startswith("linux")
        and not torch.accelerator.is_available()
        and not multiprocessing.current_process().daemon
    )


def train_in_processes(
    build: Build, chunks: Sequence[range], workers: int, train: Train, tick: Ticker
) -> list[Population]:
    """``train(chunk)`` of each chunk, in order, by ``workers`` forked processes.

    ``tick`` counts in this process. Raises what ``train`` raises, and WorkerDied. No worker outlives
    the call, whatever ends it, nor this process.
    """
    with _started(chunks, min(workers, len(chunks)), train, tick) as running:
        done = _collect(chunks, running, tick)
    failed = next((number for number in done if isinstance(done[number], str)), None)
    if failed is not None:
        tick.send_to(lambda count: None)  # what the chunk has done is counted
        return _again(chunks[failed], train, done[failed])
    return [_loaded(build, *done[number]) for number in range(len(chunks))]


@contextmanager
def _started(
    chunks: Sequence[range], workers: int, train: Train, tick: Ticker
) -> Iterator[dict[Connection, Worker]]:
    """Worker processes by the connection that they answer on."""
    context = multiprocessing.get_context("fork")
    running: dict[Connection, Worker] = {}
    try:
        for first in range(workers):
            ours, theirs = context.Pipe(duplex=False)
            own = range(first, len(chunks), workers)
            process = context.Process(
                target=_work, args=(theirs, chunks, own, train, tick), daemon=True
            )
            running[ours] = Worker(process, own)  # before it starts, for Ctrl-C may come between
            with warnings.catch_warnings():
                # Python 3.12 and later warn of a fork beside threads. Those of OpenMP are meant, which
                # are not used in a worker: it has one thread, as the workers of torch's DataLoader.
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
    """What the workers answer, by chunk: weights, or the traceback of the first error as a text."""
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
    """Raise WorkerDied if a worker has ended before its last answer."""
    missing = next((chunks[number] for number in worker.own if number not in done), None)
    if missing is None:
        return
    worker.process.join()
    code = worker.process.exitcode
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    raise WorkerDied(
        f"the worker process that trained models {missing.start} to {missing.stop - 1} ended with"
        f" {how}; if memory ran out, set OMP_NUM_THREADS=1 to train without worker processes"
    )


def _again(chunk: range, train: Train, trace: str) -> list[Population]:
    with one_thread():  # as in the worker
        train(chunk)
    raise WorkerDied(
        f"models {chunk.start} to {chunk.stop - 1} failed in a worker process and not when they were"
        f" trained again; the worker's error was:\n{trace}"
    )


def _work(
    answers: Connection, chunks: Sequence[range], own: range, train: Train, tick: Ticker
) -> None:
    """What a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and the parent ends us
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    tick.send_to(answers.send)
    for number in own:
        try:
            population = train(chunks[number])
            answer: Any = _arrays(population.params), _arrays(population.buffers)
        except BaseException:
            answer = traceback.format_exc()
        sys.stdout.flush()  # what a loop of the user's prints; the parent ends us at the last answer
        answers.send((number, answer))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _arrays(weights: dict[str, torch.Tensor]) -> Weights:
    return {name: tensor.detach().contiguous().numpy() for name, tensor in weights.items()}


def _loaded(build: Build, params: Weights, buffers: Weights) -> Population:
    return Population(
        build,
        {name: as_tensor(array) for name, array in params.items()},
        {name: as_tensor(array) for name, array in buffers.items()},
    )
