"""The contract of an executor: which stage is computed when, and where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from privbench.components import Component

if TYPE_CHECKING:
    from privbench.stages import Stage


class Executor(Component, ABC):
    """Runs the stages of a plan. The same plan gives the same results on each executor."""

    kind: ClassVar[str] = "executor"

    @abstractmethod
    def execute(self, stages: Iterable[Stage], compute: Callable[[Stage], None]) -> None:
        """Call ``compute`` once for each stage, after it was called for the stage's inputs.

        ``stages`` come in such an order. ``compute`` stores the result, reports to the observers and
        does not raise if the stage fails.
        """
