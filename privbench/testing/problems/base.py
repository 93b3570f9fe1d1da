"""The contract of a tiny problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privbench.components import Bound

Results: TypeAlias = "dict[str, NDArray[Any]]"
"""What a component returns for a problem: arrays by name."""


class Problem(ABC):
    """A tiny problem on which components of one role are tried.

    It is made for one component, since what a component is handed depends on what it declares.
    """

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    @abstractmethod
    def inputs(self, variant: int = 0) -> Any:
        """Return what the component is handed, in writable arrays of their own.

        Args:
            variant: 0, or another number for other records.
        """

    @abstractmethod
    def run(self, bound: Bound, inputs: Any, seed: int) -> Results:
        """Return what a component returns for these inputs, checked as the harness does.

        Args:
            bound: the component, maybe with other parameters than that of the problem.
            inputs: what ``inputs`` returned, maybe changed.
            seed: that of all random draws.
        """

    of_the_harness: ClassVar[frozenset[str]] = frozenset()
    """Parameters of the base classes that the harness reads, and the component need not."""

    def states(self, bound: Bound) -> Any:
        """Return what else a component says, as JSON values; its parameters may change that alone."""
        return None

    @abstractmethod
    def protected(self, inputs: Any) -> Any:
        """Return the part of the inputs that the component must not change."""


def arrays_of(value: Any, name: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield all arrays in dataclasses, lists and dicts, with their names."""
    import numpy as np

    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from arrays_of(item, f"{name}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from arrays_of(item, f"{name}[{index}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            if not field.name.startswith("_"):
                inner = f"{name}.{field.name}" if name else field.name
                yield from arrays_of(getattr(value, field.name), inner)
