"""Workers of one run, which are started when there is work, and replaced when they die."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType

from privbench.components.messages import error_text
from privbench.escape import one_line
from privbench.executors.tasks import Limits, Task, Tasks
from privbench.executors.workers.loop import Setup, TaskMessage
from privbench.executors.workers.worker import Worker, WorkerEnded
from privbench.storage.artifacts import Store

log = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between two looks at the time and the memory of workers."""


@dataclass
class _Post:
    """A place for a worker, and the task that it computes."""

    setup: Setup
    worker: Worker | None = None
    task: Task | None = None
    start: float = 0.0
    source: str = ""
    """Whose code it ran last."""


class Crew:
    """Some workers. Leave its context to end them."""

    def __init__(
        self,
        size: int,
        limits: Limits,
        *,
        threads: int | None = None,
        devices: Sequence[str] = (),
        show: Callable[[str], None] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            size: how many workers there are at most.
            limits: what a task may take.
            threads: how many threads an operation of torch may use in a worker.
            devices: what ``CUDA_VISIBLE_DEVICES`` is for one worker after another.
            show: takes each line that a worker has printed.
        """
        self.limits = limits
        self._show = show or _to_stderr
        self._posts = []
        for number in range(size):
            environment = dict(os.environ)
            if devices:
                environment["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
            self._posts.append(_Post(Setup(_folder(), environment, threads)))
        self._datasets: dict[str, Path] = {}
        self._temporary: Path | None = None

    def __enter__(self) -> Crew:
        """Return the crew."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End all workers."""
        self.close()

    @property
    def idle(self) -> int:
        """How many more tasks it can take."""
        return sum(post.task is None for post in self._posts)

    @property
    def busy(self) -> bool:
        """Whether a worker is computing."""
        return any(post.task is not None for post in self._posts)

    def give(self, task: Task, tasks: Tasks) -> None:
        """Have a task computed by a worker that is idle."""
        post = self._post_for(task)
        try:
            folder = tasks.folder.resolve()
            files = self._files(task, tasks)
            message = TaskMessage(task.payload, str(folder), files, Store(folder).folder)
        except Exception as error:  # parameters of a plugin's component that cannot be sent
            tasks.fail(task, f"it cannot be sent to a worker: {error_text(error)}")
            return
        post.task, post.start, post.source = task, time.monotonic(), task.source
        try:
            self._send(post, message)
            post.start = time.monotonic()  # the start of the worker is none of the task's time
        except WorkerEnded as error:
            self._drop(post)
            tasks.lost(task, f"its worker {error}")

    def _post_for(self, task: Task) -> _Post:
        """Return an idle post, whose worker has run no plugin but those of the task.

        What a plugin does to its process, such as replacing functions, would reach others otherwise.
        """
        idle = [post for post in self._posts if post.task is None]
        for post in idle:
            if post.worker is not None and post.source == task.source:
                return post
        empty = (post for post in idle if post.worker is None)
        post = next(empty, None) or min(idle, key=lambda post: post.start)
        self._end(post)
        return post

    def _send(self, post: _Post, message: TaskMessage) -> None:
        """Send it to the worker of a post, or to a new one if that has ended while it was idle."""
        if post.worker is not None:
            try:
                return post.worker.give(message)
            except WorkerEnded:
                self._end(post)
        try:
            post.worker = Worker(post.setup, message.scratch)
        except OSError as error:
            raise WorkerEnded(f"could not be started: {error}") from None
        post.worker.give(message)

    def step(self, tasks: Tasks) -> None:
        """Wait a moment for messages, and pass on results, deaths, progress and what is printed."""
        posts = {post.worker.connection: post for post in self._posts if post.worker and post.task}
        workers = [post.worker for post in posts.values() if post.worker]
        outputs = [worker.output for worker in workers if not worker.is_silent]
        readable = wait([*posts, *outputs], POLL)
        for connection, post in posts.items():
            if connection in readable or (post.worker and post.worker.is_dead):
                self._receive(post, tasks)
        for post in self._posts:
            self._print(post)
            if post.task is not None:
                self._check_limits(post, tasks)

    def close(self) -> None:
        """End all workers."""
        for post in self._posts:
            self._drop(post)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
            self._datasets.clear()

    def _receive(self, post: _Post, tasks: Tasks) -> None:
        assert post.worker is not None
        assert post.task is not None
        task = post.task
        try:
            message = post.worker.receive()
        except WorkerEnded as error:
            self._drop(post)
            tasks.lost(task, f"its worker {error}")
            return
        if message is None:
            return
        if isinstance(message, tuple):
            tasks.progress(task, *message)
            return
        self._print(post)
        post.task = None
        tasks.finish(task, message)

    def _check_limits(self, post: _Post, tasks: Tasks) -> None:
        assert post.worker is not None
        assert post.task is not None
        task, limits = post.task, self.limits
        if limits.seconds is not None and time.monotonic() - post.start > limits.seconds:
            self._drop(post)
            tasks.fail(task, f"it took longer than {limits.seconds:g} s (--timeout)", timeout=True)
        elif limits.memory is not None and (used := post.worker.resident()) > limits.memory:
            self._drop(post)
            reason = f"its worker used {used / 2**20:,.0f} MiB of memory, and --memory allows"
            tasks.fail(task, f"{reason} {limits.memory / 2**20:,.0f} MiB")

    def _drop(self, post: _Post) -> None:
        """End the worker of a post, and forget its task."""
        self._end(post)
        post.task = None

    def _end(self, post: _Post) -> None:
        if post.worker is not None:
            post.worker.close()
            self._print(post)
            post.worker.dispose()
            post.worker = None

    def _print(self, post: _Post) -> None:
        for line in post.worker.printed() if post.worker is not None else ():
            self._show(f"{one_line(post.source)}: {one_line(line)}")
            names = {"plugin": post.source, "stage": post.task.title if post.task else None}
            log.info("printed: %s", line, extra=names | {"file_only": True})

    def _files(self, task: Task, tasks: Tasks) -> dict[str, Path]:
        """Return a file for each dataset that a task reads; each is written once."""
        for name in task.inputs:
            if name.startswith("data/") and name not in self._datasets:
                if self._temporary is None:
                    self._temporary = Path(tempfile.mkdtemp(prefix="privbench-"))
                path = self._temporary / name.rpartition("/")[2]
                path.write_bytes(tasks.read(name))
                self._datasets[name] = path
        return {name: self._datasets[name] for name in task.inputs if name in self._datasets}


def _folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted
        return "/"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
