"""What is asked of an audit of a training procedure."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privbench.auditing.training.population import Train
from privbench.errors import BadInput

TASKS = ("auto", "classification", "regression", "multi-label")


@dataclass(frozen=True)
class Request:
    """The arguments of `audit_training`."""

    train: Train
    x: Any
    y: Any
    models: int = 16
    model: Any = None
    member: Any = None
    reference_x: Any = None
    reference_y: Any = None
    canaries: float = 0.0
    jobs: int = 1
    results: Path = Path("results")
    fresh: bool = False
    attacks: Sequence[str] = ()
    seed: int = 0
    slices: Sequence[str] = ()
    name: str = ""
    task: str = "auto"

    def check(self) -> None:
        """Check what can be checked without looking at the records.

        Raises:
            BadInput: the message names the argument.
        """
        if not callable(self.train):
            raise BadInput(
                f"train is a {type(self.train).__name__}, expected a function of x, y, seed"
            )
        try:
            inspect.signature(self.train).bind(None, None, 0)
        except TypeError as error:
            raise BadInput(f"train must be callable as train(x, y, seed): {error}") from None
        except ValueError:  # a function in C, which tells nothing of its arguments
            pass
        if self.task not in TASKS:
            raise BadInput(f"task {self.task!r} (allowed: {', '.join(TASKS)})")
        if not isinstance(self.models, int) or self.models < 2:
            raise BadInput(f"models must be an integer of at least 2, got {self.models!r}")
        if not isinstance(self.jobs, int) or self.jobs < 1:
            raise BadInput(f"jobs must be an integer of at least 1, got {self.jobs!r}")
        if not 0 <= self.canaries < 0.5:
            raise BadInput(f"canaries must be a share from 0 to below 0.5, got {self.canaries!r}")
        for one, two in (("model", "member"), ("reference_x", "reference_y")):
            if (getattr(self, one) is None) != (getattr(self, two) is None):
                raise BadInput(f"{one} and {two} belong together; give both or neither")

    def title(self) -> str:
        """Return what the report calls the training."""
        function = getattr(self.train, "__name__", type(self.train).__name__)
        code = getattr(self.train, "__code__", None)
        file = "" if code is None or code.co_filename[:1] == "<" else Path(code.co_filename).name
        return self.name or (f"{function} ({file})" if file else function)
