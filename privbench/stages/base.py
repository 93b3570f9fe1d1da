"""The base of all stages: a key, named random draws, inputs, and a way to compute the artifact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from privbench.components import Bound, is_local, source_digest
from privbench.seeds import canonical_json, digest, digest_of_json, generator
from privbench.stages.query_cache import QueryCache
from privbench.storage.artifacts import Artifact
from privbench.storage.parts import Parts
from privbench.storage.scratch import Empty, empty_in

if TYPE_CHECKING:
    import numpy as np

    from privbench.data import Data

SCHEMA = 3  # raise it when the meaning of an artifact changes


@dataclass(frozen=True)
class Context:
    """Access to artifacts, datasets, the device, progress and caches, for one stage."""

    get: Callable[[Stage], Artifact]
    data: Callable[[Bound], Data]
    device: str
    progress: Callable[[int, int], None]
    query_cache: QueryCache = field(default_factory=QueryCache)
    parts: Parts = field(default_factory=Parts)
    """Parts of the stage's artifact that an earlier run computed, and those of this run."""
    live: dict[str, Any] = field(default_factory=dict)
    """Objects in memory that several parts of a stage share, by its key."""
    empty: Empty = field(default_factory=lambda: empty_in(None))
    """Makes an array of a shape and type for an artifact; large ones lie in files, where that is so."""


class Stage(ABC):
    """One node of the plan."""

    kind: ClassVar[str]
    seed_kind: ClassVar[str] = ""
    """The former kind of a renamed stage: random draws keep the name, so that numbers stay."""
    weight: ClassVar[float] = 1.0
    """Rough cost beside other stages, for the estimate of the time left."""

    # No cached property: plans have millions of stages, and its dict would make them twice as large.
    _key: ClassVar[str] = ""

    seed: int
    title: str
    """Name that users see, such as ``digits/vae-metric[epsilon=8]/mlp (canaries)``."""

    @property
    def stored(self) -> bool:
        """Whether the artifact is stored; else it is made again where it is read, which costs little."""
        return True

    @property
    def inputs(self) -> tuple[Stage, ...]:
        """The stages whose artifacts it reads."""
        return ()

    @property
    def components(self) -> tuple[Bound, ...]:
        """The components that it runs."""
        return ()

    def details(self) -> dict[str, Any]:
        """Return what else the artifact depends on; it enters both the key and the random draws."""
        return {}

    def versions(self) -> dict[str, Any]:
        """Return what else the artifact depends on; it enters the key only."""
        return {}

    @abstractmethod
    def compute(self, context: Context) -> Artifact:
        """Compute the artifact from those of the inputs."""

    def n_parts(self, device: str) -> int:
        """Return in how many parts the artifact is computed; each is stored when it is done.

        It follows from the plan and the kind of device alone, and not from cores or free memory.
        """
        return 1

    def compute_part(self, context: Context, number: int, count: int) -> Artifact:
        """Compute one of ``count`` parts. ``compute`` joins them when they are stored."""
        raise NotImplementedError

    def loaded(self, artifact: Artifact, context: Context) -> Artifact:
        """Return an artifact that was read from the store, with its objects in memory if it has any."""
        return artifact

    @property
    def provenance(self) -> dict[str, Any]:
        """The content of the key, which is stored beside the artifact."""
        return {
            "schema": SCHEMA,
            "stage": self.kind,
            "privbench": _own_identity(),
            "components": [bound.identity() for bound in self.components],
            "details": self.details() | self.versions(),
            "seed": self.seed,
            "inputs": [stage.key for stage in self.inputs],
        }

    @property
    def key(self) -> str:
        """Sha256 of the canonical JSON of ``provenance``, of which stages share the long parts."""
        if not self._key:
            object.__setattr__(self, "_key", digest_of_json(self._provenance_json()))
        return self._key

    def _provenance_json(self) -> str:
        components = ",".join([bound.identity_json for bound in self.components])
        details = self.details() | self.versions()
        inputs = ",".join([f'"{stage.key}"' for stage in self.inputs])
        return (
            f'{{"components":[{components}],"details":{canonical_json(details) if details else "{}"},'
            f'"inputs":[{inputs}],"privbench":{_own_identity_json()},"schema":{SCHEMA},'
            f'"seed":{self.seed},"stage":"{self.kind}"}}'
        )

    @cached_property
    def names(self) -> str:
        """The named parts that random draws depend on, as one digest."""
        return digest(
            {
                "stage": self.seed_kind or self.kind,
                "components": [bound.seed_part() for bound in self.components],
                "details": self.details(),
                "seed": self.seed,
                "inputs": [stage.names for stage in self.inputs],
            }
        )

    def rng(self, *parts: Any) -> np.random.Generator:
        """Return a generator for one named draw of this stage."""
        return generator(self.names, *parts)

    def __str__(self) -> str:
        return f"{self.kind} {self.title}"


def walk(stages: Iterable[Stage]) -> Iterator[Stage]:
    """Yield the given stages and all that they depend on, inputs first, each key once."""
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        key = stage.key
        if key not in found:
            for dependency in stage.inputs:
                visit(dependency)
            found[key] = stage

    for stage in stages:
        visit(stage)
    return iter(found.values())


def _own_identity() -> dict[str, str]:
    from privbench import __version__

    return {
        "version": __version__,
        "code": source_digest("privbench") if is_local("privbench") else "",
    }


@cache
def _own_identity_json() -> str:
    return canonical_json(_own_identity())
