"""What is known of a task while it waits and is computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from privbench.components.messages import printable
from privbench.stages import Stage, walk

TRIES = 2
"""How often a task is tried whose worker dies."""
LONGEST = 2**16
"""Characters of a reason or a traceback of a worker that are kept."""


@dataclass
class Node:
    """A task, and what it waits for."""

    order: tuple[int, int]
    stage: Stage
    part: int | None = None
    waits_for: set[str] = field(default_factory=set)
    readers: list[str] = field(default_factory=list)
    """Keys of the tasks that wait for it."""
    deaths: int = 0
    """How many workers have died of it."""
    unread: set[str] = field(default_factory=set)
    """Keys of inputs that its worker could not read."""

    @property
    def key(self) -> str:
        return self.stage.key if self.part is None else f"{self.stage.key}-{self.part}"


def plugins_of(stage: Stage) -> tuple[str, ...]:
    """Return the plugins whose code may run when a stage is computed."""
    bounds = [bound for one in walk([stage]) for bound in one.components]
    names = (bound.entry.distribution.name for bound in bounds if bound.entry.third_party)
    return tuple(dict.fromkeys(names))


def worker_text(value: object) -> str:
    """Return text that came from a worker, fit to be shown."""
    return printable(str(value)[:LONGEST])
