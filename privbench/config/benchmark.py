"""A resolved benchmark: components that are looked up, with parameters that are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.canaries import CanaryKind
from privbench.components import Bound
from privbench.config.file import Knowledge

if TYPE_CHECKING:
    from privbench.mechanisms.base import ActsOn


@dataclass(frozen=True)
class Variant:
    """A dataset, model or attack of a benchmark with one set of parameter values."""

    label: str
    """Its name, and the values of a sweep: ``mlp[lr=0.1]``."""
    bound: Bound

    def to_json(self) -> dict[str, Any]:
        """Return label, component and parameters as JSON values."""
        return {"label": self.label, **_bound_json(self.bound)}


@dataclass(frozen=True)
class Unavailable:
    """A component or defense of a benchmark that is missing because a plugin failed to load."""

    label: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return label and reason as JSON values."""
        return {"label": self.label, "unavailable": self.reason}


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
        """Whether the pipeline has a release: training sets that differ from the private records."""
        return self.generator is not None or bool(self.at("data"))

    def to_json(self) -> dict[str, Any]:
        """Return label and components with parameters as JSON values."""
        return {
            "label": self.label,
            "generator": None if self.generator is None else _bound_json(self.generator),
            "mechanisms": [_bound_json(bound) for bound in self.mechanisms],
        }


NONE = Defense("none")


@dataclass(frozen=True)
class Benchmark:
    """A resolved benchmark. Every combination of its parts and seeds is a trial."""

    name: str
    datasets: tuple[Variant | Unavailable, ...]
    models: tuple[Variant | Unavailable, ...]
    defenses: tuple[Defense | Unavailable, ...]
    attacks: tuple[Variant | Unavailable, ...]
    knowledge: tuple[Knowledge, ...]
    population: int
    """Models per population."""
    pool: int | None
    """Records in the pool; None for 60% of the dataset."""
    public: int | None
    """Reference records that defenses may use; None for all of them."""
    canaries: float
    """Share of the pool that is canaries in the second population; 0 for no second population."""
    canary_kinds: tuple[CanaryKind, ...]
    """The kinds that the canaries are divided among, each once."""
    seeds: tuple[int, ...]

    @property
    def runs_plugins(self) -> bool:
        """Whether stages will run third-party code."""
        bounds = [one.bound for one in (*self.models, *self.attacks) if isinstance(one, Variant)]
        for defense in self.defenses:
            if isinstance(defense, Defense):
                bounds += [*defense.mechanisms, *([defense.generator] if defense.generator else [])]
        return any(bound.entry.third_party for bound in bounds)

    def to_json(self) -> dict[str, Any]:
        """Return all keys as JSON values: settings, and components with all of their parameters."""
        parts: dict[str, Any] = {
            name: [part.to_json() for part in getattr(self, name)]
            for name in ("datasets", "models", "defenses", "attacks")
        }
        return parts | {
            "knowledge": list(self.knowledge),
            "population": self.population,
            "pool": self.pool,
            "public": self.public,
            "canaries": {"share": self.canaries, "kinds": list(self.canary_kinds)},
            "seeds": list(self.seeds),
        }


def _bound_json(bound: Bound) -> dict[str, Any]:
    return {
        "name": bound.name,
        "from": str(bound.entry.distribution),
        "params": bound.component.params(),
    }
