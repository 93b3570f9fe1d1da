"""The default executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench.executors.base import Executor

if TYPE_CHECKING:
    from privbench.executors.tasks import Tasks


class Local(Executor):
    """Computes one task after another in this process, and third-party code in worker processes."""

    name = "local"

    def execute(self, tasks: Tasks) -> None:
        """Compute the tasks in the order of the plan."""
        while tasks.unfinished:
            for task in tasks.ready(1):
                tasks.run(task)
