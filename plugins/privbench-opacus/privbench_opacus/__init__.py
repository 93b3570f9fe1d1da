"""Your own Opacus training function as a training mechanism of privbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_opacus.mechanism import Opacus

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench import TrainingLoop

__all__ = ["Opacus"]


@hookimpl
def register_mechanisms(register: Callable[[type[TrainingLoop]], None]) -> None:
    """Register the mechanism."""
    register(Opacus)
