"""The default executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from privbench.executors.base import Executor

if TYPE_CHECKING:
    from privbench.stages import Stage


class Local(Executor):
    """Computes one stage after another in this process."""

    name = "local"

    def execute(self, stages: Iterable[Stage], compute: Callable[[Stage], None]) -> None:
        """Compute the stages in their order."""
        for stage in stages:
            compute(stage)
