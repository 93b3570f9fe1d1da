"""The contract of an executor, which decides when and where each task is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from privbench.components import Component

if TYPE_CHECKING:
    from privbench.executors.tasks import Tasks


class Executor(Component, ABC):
    """Runs the tasks of a plan. Results do not depend on the executor."""

    kind: ClassVar[str] = "executor"

    @abstractmethod
    def execute(self, tasks: Tasks) -> None:
        """Compute tasks until none is unfinished.

        There are two ways to compute a task:

        1. ``tasks.run(task)`` computes it here, as the executor ``local`` does.
        2. Elsewhere, ``privbench.executors.work.work(task.payload, ...)`` computes it, in any process
           that has privbench and the plugins. ``tasks.finish(task, result)`` takes what it returns, and
           ``tasks.lost(task, reason)`` is called if its process died.

        Args:
            tasks: The tasks of a run.
        """
