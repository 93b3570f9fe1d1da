"""Parts of an artifact that is being computed, so that a run that is killed goes on with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privbench.storage.artifacts import Artifact, Store


@dataclass
class Parts:
    """The parts of one artifact, by number; they are deleted when the artifact is stored.

    Without a store nothing is kept.
    """

    store: Store | None = None
    kind: str = ""
    key: str = ""
    provenance: Any = None
    count: int = 1
    """How many parts there are."""
    seconds: float = 0.0
    """How long the parts that were loaded took to compute, in earlier runs."""
    known: int = 0
    """How many parts were loaded or saved."""

    def load(self, number: int) -> Artifact | None:
        """Return a part that an earlier run computed; None if there is none."""
        if self.store is None:
            return None
        kind, key = self._name(number)
        try:
            artifact = self.store.load(kind, key)
        except FileNotFoundError:  # another run has finished the artifact, and deleted its parts
            return None
        if artifact is not None:
            self.seconds += self.store.seconds(kind, key)
            self.known += 1
        return artifact

    def has(self, number: int) -> bool:
        """Return whether a part is stored."""
        return self.store is not None and self.store.has(*self._name(number))

    def save(self, number: int, artifact: Artifact, seconds: float) -> None:
        """Write a part that took ``seconds`` to compute."""
        if self.store is not None:
            kind, key = self._name(number)
            provenance = {"part": number, "of": self.provenance}
            self.store.save(kind, key, artifact, seconds=seconds, provenance=provenance)
            self.known += 1

    def delete(self) -> None:
        """Delete all parts, of which none is missing, since the artifact is stored."""
        for number in range(self.known):
            assert self.store is not None
            self.store.delete(*self._name(number))

    def _name(self, number: int) -> tuple[str, str]:
        return f"{self.kind}-parts", f"{self.key}-{number}-of-{self.count}"
