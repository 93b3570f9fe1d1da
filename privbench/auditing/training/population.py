"""Train models one by one or in parallel, and keep what each answers, so that a killed run goes on."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.records import count, take
from privbench.auditing.training.answers import KIND, Failure, Job, Trained, load, save
from privbench.auditing.training.classification import Answer, Classification
from privbench.auditing.training.multilabel import Multilabel
from privbench.auditing.training.progress import Progress
from privbench.auditing.training.queries import Queries
from privbench.auditing.training.regression import Regression
from privbench.components.contained import contained
from privbench.components.messages import error_text, printable
from privbench.errors import BadInput, PrivbenchError
from privbench.storage.artifacts import Store

Train = Callable[[Any, Any, int], Any]
Task = Classification | Regression | Multilabel


@dataclass(frozen=True)
class Records:
    """What every model is asked about, and what it is trained on a part of."""

    x: Any
    pool: NDArray[np.int64]
    """The rows of ``x`` that models are trained on and asked about."""
    reference_x: Any
    """Reference records in the container of ``x``; None if there are none."""
    queries: Queries | None = None
    """Copies that models are asked about as well; None for no attack that asks."""


def train_models(
    train: Train,
    task: Task,
    records: Records,
    y: Any,
    jobs: Sequence[Job],
    store: Store,
    *,
    fresh: bool,
    workers: int,
    progress: Progress,
) -> list[Trained | Failure]:
    """Train each model that is not stored yet, and store what it answers.

    If the first model that is trained fails, and none is stored, no other is tried.

    Args:
        train: the training function.
        task: makes answers of models.
        records: the records.
        y: the labels in the container in which they were given.
        jobs: the models.
        store: where answers are stored, under the keys of the models.
        fresh: whether to train models whose answers are stored.
        workers: number of processes; 1 trains in this process.
        progress: told how many models are to be trained, and of each model.

    Raises:
        BadInput: ``train`` cannot be sent to other processes.
        PrivbenchError: a worker process died.
    """
    results: dict[str, Trained | Failure] = {}
    for job in jobs:
        if not fresh and (known := load(store, job, records.queries)) is not None:
            results[job.key] = known
            progress.finished(job, known, stored=True)
    missing = [job for job in jobs if job.key not in results]
    may_lack = not fresh and records.queries is not None
    again = sum(store.has(KIND, job.key) for job in missing) if may_lack else 0
    progress.begin(missing, workers, again)
    for job, result in _trained(train, task, records, y, missing, workers):
        results[job.key] = result
        if isinstance(result, Trained):
            save(store, job, records.queries, result)
        progress.finished(job, result, stored=False)
        if isinstance(result, Failure) and len(results) == 1:
            break
    untried = Failure("was not tried, since the first model failed")
    return [results.get(job.key, untried) for job in jobs]


def train_one(train: Train, task: Task, records: Records, y: Any, job: Job) -> Trained:
    """Train one model and ask it about all records."""
    started = time.perf_counter()
    with seeded(job.seed):
        model = train(take(records.x, job.rows), take(y, job.rows), job.seed)
        trained = time.perf_counter()
        answers = ask(task, model, records)
    seconds = time.perf_counter() - trained
    return replace(answers, seconds=trained - started, asking=seconds)


def ask(task: Task, model: Any, records: Records) -> Trained:
    """Return what a model answers to the pool, to the reference records and to queries.

    Raises:
        DataError: the answers are no probabilities.
    """
    on_records = task.ask(model, take(records.x, records.pool))
    if records.reference_x is None:
        on_reference = Answer(on_records.kind, on_records.values[:0])
    else:
        rows = np.arange(count(records.reference_x, "reference_x"))
        on_reference = task.ask(model, take(records.reference_x, rows))  # a copy: models may write
    queries = records.queries
    classes = None if queries is None else queries.ask(lambda x: task.ask(model, x))
    return Trained(on_records, on_reference, 0.0, classes=classes)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global random generators, which training code often uses, and restore them."""
    import torch  # also where train imports it later: its default seed is the same in each process

    state, np_state = random.getstate(), np.random.get_state()
    torch_state = torch.random.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(np_state)
        torch.random.set_rng_state(torch_state)


def guarded(train: Train, task: Task, records: Records, y: Any, job: Job) -> Trained | Failure:
    """Train one model; return what it raises, if it does, as text."""
    try:
        with contained():
            return train_one(train, task, records, y, job)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # code of the user, which may raise anything
        text = error_text(error, _line(error, train))
        return Failure(text, printable("".join(traceback.format_exception(error))))


def _trained(
    train: Train,
    task: Task,
    records: Records,
    y: Any,
    jobs: Sequence[Job],
    workers: int,
) -> Iterator[tuple[Job, Trained | Failure]]:
    """Yield each model when it is trained."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, guarded(train, task, records, y, job)
        return
    from joblib import Parallel, delayed

    sent = _pickled(train)
    work = Parallel(n_jobs=workers, return_as="generator_unordered")(
        delayed(_in_worker)(number, os.getpid(), sent, task, records, y, job)
        for number, job in enumerate(jobs)
    )
    try:
        for number, result in work:
            yield jobs[number], result
    except Exception as error:  # of pickling the records, or of a worker that was killed
        reason = error_text(error).splitlines()[0]
        raise PrivbenchError(
            f"jobs={workers}: a worker process failed: {reason} What was trained is stored; try jobs=1"
        ) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns of tasks that are given up
            work.close()


def _pickled(train: Train) -> bytes:
    """Return a function as bytes, by value where other processes could not import it.

    Raises:
        BadInput: it cannot be pickled.
    """
    import cloudpickle

    try:
        sent: bytes = cloudpickle.dumps(train)
    except Exception as error:  # pickling raises many types
        raise BadInput(
            f"train cannot be sent to other processes: {error_text(error)}; use jobs=1"
        ) from error
    return sent


def _in_worker(
    number: int, main: int, train: bytes, task: Task, records: Records, y: Any, job: Job
) -> tuple[int, Trained | Failure]:
    import cloudpickle

    _end_with(main)
    return number, guarded(cloudpickle.loads(train), task, records, y, job)


@cache
def _end_with(main: int) -> None:
    """Let this worker process end when the main process has ended, even if that was killed.

    joblib's workers would finish their models, which nobody stores, and wait for others for minutes.
    """
    if os.getppid() != main:  # it is no child, as with some backends that users can choose
        return

    def watch() -> None:
        while os.getppid() == main:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _line(error: BaseException, train: Any) -> str:
    """Return the innermost line of the file of ``train`` that raised, as ``forest.py:14``."""
    code = getattr(train, "__code__", None)
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if code is not None and frame.f_code.co_filename == code.co_filename:
            return f"{printable(Path(code.co_filename).name)}:{line}"
    return ""
