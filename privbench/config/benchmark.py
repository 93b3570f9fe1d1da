"""A resolved benchmark: its components, found and with their parameters checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privbench.components import Bound
from privbench.config.file import Knowledge

if TYPE_CHECKING:
    from privbench.mechanisms.base import ActsOn


@dataclass(frozen=True)
class Variant:
    """A dataset, model or attack of a benchmark with one set of parameter values."""

    label: str
    bound: Bound


@dataclass(frozen=True)
class Unavailable:
    """A part of a benchmark that cannot be had, since a plugin is missing."""

    label: str
    reason: str


@dataclass(frozen=True)
class Defense:
    """A pipeline: at most one generator, then mechanisms in pipeline order."""

    label: str
    generator: Bound | None = None
    mechanisms: tuple[Bound, ...] = ()

    def at(self, acts_on: ActsOn) -> tuple[Bound, ...]:
        """Return the mechanisms that act on ``data``, ``latent``, ``training`` or ``output``."""
        return tuple(bound for bound in self.mechanisms if bound.component.acts_on == acts_on)

    @property
    def releases(self) -> bool:
        """Whether training sets leave the pipeline that are not the private records themselves."""
        return self.generator is not None or bool(self.at("data"))


NONE = Defense("none")


@dataclass(frozen=True)
class Benchmark:
    """A resolved benchmark: every combination of its parts is a trial."""

    name: str
    datasets: tuple[Variant | Unavailable, ...]
    models: tuple[Variant | Unavailable, ...]
    defenses: tuple[Defense | Unavailable, ...]
    attacks: tuple[Variant | Unavailable, ...]
    knowledge: tuple[Knowledge, ...]
    population: int
    pool: int | None
    canaries: float
    seeds: tuple[int, ...]
