"""The tasks of a run, as an executor sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privbench.storage.tensors import Content


@dataclass(frozen=True)
class Limits:
    """What one task may take in a worker."""

    seconds: float | None = None
    """None for any time."""
    memory: int | None = None
    """Bytes of resident memory of the worker and of the processes that it starts; None for any."""


@dataclass(frozen=True, eq=False)
class Task:
    """A stage to compute, or one part of it: some of the models of a population."""

    key: str
    """Names the task among those of all runs."""
    title: str
    """Name that users see."""
    inputs: tuple[str, ...]
    """Names of what it reads: ``KIND/KEY`` of a stored artifact, or ``data/FINGERPRINT`` of a dataset,
    which no store has."""
    make_payload: Callable[[], bytes]
    wants_gpu: bool = False
    """Whether it trains on a GPU."""
    runs_plugins: bool = False
    """Whether it runs third-party code."""
    source: str = "worker"
    """Whose code it runs: names of plugins, which stand before what is printed meanwhile."""

    @cached_property
    def payload(self) -> bytes:
        """What `privbench.executors.work.work` computes: small, with neither records nor weights."""
        return self.make_payload()


class Tasks(ABC):
    """The tasks of a run, and what became of them.

    All calls are made by the thread that called ``execute``.
    """

    folder: Path
    """The results folder: what `work` may read stored inputs from, where a worker can see it."""

    limits: Limits = Limits()
    """What a task may take."""
    device: str = "cpu"
    """Where models are trained: ``cpu``, ``cuda`` or ``cuda:i``."""

    @property
    @abstractmethod
    def unfinished(self) -> bool:
        """Whether some task is neither finished nor failed."""

    @abstractmethod
    def ready(self, limit: int | None = None) -> list[Task]:
        """Hand out tasks whose inputs are stored, in the order of the plan, each once.

        Args:
            limit: how many at most.
        """

    @abstractmethod
    def run(self, task: Task) -> None:
        """Compute a task here: in this process, or if it runs third-party code in its worker process.

        It does not raise if the task fails.
        """

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return an input of a task, for a worker that does not see the results folder.

        Raises:
            FileNotFoundError: it is damaged. Leave it out: `work` reports that it is missing, and
                `finish` has it computed before the task is ready once more.
        """

    @abstractmethod
    def finish(self, task: Task, result: Content) -> None:
        """Take what `work` returned: store the artifact or record the failure, and tell the observers.

        Bytes that are no result are a failure of the task.
        """

    @abstractmethod
    def lost(self, task: Task, reason: str) -> None:
        """Take note that a task's worker has died: the task is ready once more, or else has failed.

        Args:
            task: the task.
            reason: how the worker died, such as "was killed by signal 9 (SIGKILL)".
        """

    @abstractmethod
    def fail(self, task: Task, reason: str, *, timeout: bool = False) -> None:
        """Record that a task has failed, or has exceeded its time, and is not to be tried again."""

    @abstractmethod
    def progress(self, task: Task, done: int, total: int) -> None:
        """Tell the observers that ``done`` of ``total`` equal parts of a task are computed."""
