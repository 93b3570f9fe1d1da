"""A resolved benchmark: its components, found and with their parameters checked."""

from __future__ import annotations

from dataclasses import dataclass

from privbench.components import Bound
from privbench.config.file import Knowledge


@dataclass(frozen=True)
class Variant:
    """A dataset, model or attack of a benchmark. ``bound`` is None if a plugin is missing."""

    label: str
    bound: Bound | None
    unavailable: str = ""


@dataclass(frozen=True)
class Defense:
    """A pipeline: at most one generator, then mechanisms in the order of their steps."""

    label: str
    generator: Bound | None = None
    mechanisms: tuple[Bound, ...] = ()
    unavailable: str = ""

    def at(self, step: str) -> tuple[Bound, ...]:
        """The mechanisms that act at ``data``, ``latent``, ``training`` or ``output``."""
        return tuple(bound for bound in self.mechanisms if bound.component.acts_on == step)

    @property
    def releases(self) -> bool:
        """Whether it makes other records of the private ones, which could be published as well."""
        return self.generator is not None or bool(self.at("data"))


NONE = Defense("none")


@dataclass(frozen=True)
class Benchmark:
    """A resolved benchmark: every combination of its parts is a trial."""

    name: str
    datasets: tuple[Variant, ...]
    models: tuple[Variant, ...]
    defenses: tuple[Defense, ...]
    attacks: tuple[Variant, ...]
    knowledge: tuple[Knowledge, ...]
    population: int
    pool: int | None
    canaries: float
    seeds: tuple[int, ...]
