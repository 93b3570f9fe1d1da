"""The contract of an executor, which decides when and where each stage is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from privbench.components import Component

if TYPE_CHECKING:
    from privbench.stages import Stage


class Executor(Component, ABC):
    """Runs the stages of a plan. Results do not depend on the executor."""

    kind: ClassVar[str] = "executor"

    @abstractmethod
    def execute(self, stages: Iterable[Stage], compute: Callable[[Stage], None]) -> None:
        """Call ``compute`` once for each stage, after the stage's inputs.

        Args:
            stages: The stages of a plan that are stored and still missing, each after its inputs.
            compute: Computes a stage, stores its artifact and reports to the observers. It does not
                raise if the stage fails. One call at a time: artifacts in memory and the switches that
                third-party code may change belong to the whole process.
        """
