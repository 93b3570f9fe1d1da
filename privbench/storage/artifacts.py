"""Artifacts on disk: what stages computed, looked up by the keys of the stages.

An artifact is a JSON file (its note), with a safetensors file beside it if it has arrays. Both are
written under a temporary name and renamed, the note last. So if the note is there, the artifact is
complete, even after the process was killed. Checksums are verified on reading, and a damaged artifact
is set aside.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.data import read_only
from privbench.seeds import digest
from privbench.storage.notes import decoded_note, encoded_note

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Artifact:
    """What a stage computed."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    """Small facts as JSON values."""
    live: Any = None
    """Objects in memory, which are not stored. An artifact that has nothing else is computed again in
    each run; for others, `Stage.loaded` makes them again."""

    @property
    def is_storable(self) -> bool:
        """Whether there is more than objects in memory."""
        return self.live is None or bool(self.arrays)

    def __post_init__(self) -> None:
        """Make the arrays read-only, since every stage that reads the artifact shares them."""
        arrays = {name: read_only(array) for name, array in self.arrays.items()}
        object.__setattr__(self, "arrays", arrays)


log = logging.getLogger(__name__)


class Store:
    """The artifacts in a results folder. Damaged ones are reported in the log and set aside."""

    def __init__(self, root: Path) -> None:
        self.root = root / "artifacts"
        self._notes: dict[str, dict[str, Any]] = {}

    def has(self, kind: str, key: str) -> bool:
        """Return whether an artifact is stored. Its arrays are only verified when they are loaded."""
        note = self._note(kind, key)
        if note is None:
            return False
        return not note["arrays"] or self._path(kind, key, ".safetensors").exists()

    def info(self, kind: str, key: str) -> dict[str, Any]:
        """Return the facts of a stored artifact, without reading its arrays."""
        return dict(self._require(kind, key)["info"])

    def seconds(self, kind: str, key: str) -> float:
        """Return how many seconds a stored artifact took to compute."""
        return float(self._require(kind, key)["seconds"])

    def content(self, kind: str, key: str) -> str | None:
        """Return a digest of a stored artifact's facts and arrays; None if it is not stored."""
        note = self._note(kind, key)
        return None if note is None else digest([note["info"], note["arrays"]])

    def load(self, kind: str, key: str) -> Artifact | None:
        """Read and verify an artifact; return None if it is missing or damaged."""
        from safetensors.numpy import load

        if not self.has(kind, key):
            return None
        note = self._require(kind, key)
        if not note["arrays"]:
            return Artifact(info=note["info"])
        content = self._path(kind, key, ".safetensors").read_bytes()
        if hashlib.sha256(content).hexdigest() != note["arrays"]:
            self._set_aside(kind, key, "its arrays do not match their checksum")
            return None
        return Artifact(load(content), note["info"])

    def save(
        self, kind: str, key: str, artifact: Artifact, *, seconds: float, provenance: Any
    ) -> int:
        """Write an artifact, and return its size in bytes.

        A process that is killed meanwhile leaves no artifact.

        Args:
            kind: the kind of the stage, which names the folder.
            key: the key of the stage.
            artifact: the artifact.
            seconds: how long it took to compute.
            provenance: how it came about, as JSON values.
        """
        from safetensors.numpy import save

        checksum, content = "", b""
        if artifact.arrays:
            import numpy as np

            content = save({name: np.ascontiguousarray(a) for name, a in artifact.arrays.items()})
            checksum = hashlib.sha256(content).hexdigest()
            self._write(self._path(kind, key, ".safetensors"), content)
        note = {
            "kind": kind,
            "key": key,
            "seconds": seconds,
            "arrays": checksum,
            "info": dict(artifact.info),
            "provenance": provenance,
        }
        text = encoded_note(note)
        self._write(self._path(kind, key, ".json"), text)
        self._keep(note)
        return len(content) + len(text)

    def delete(self, kind: str, key: str) -> None:
        """Delete an artifact, if it is there: its note first, so that no half of it is ever read."""
        self._notes.pop(key, None)
        for suffix in (".json", ".safetensors"):
            self._path(kind, key, suffix).unlink(missing_ok=True)

    def _set_aside(self, kind: str, key: str, problem: str) -> None:
        """Rename the files of a damaged artifact, so that it is computed again and can be inspected."""
        self._notes.pop(key, None)
        for suffix in (".json", ".safetensors"):
            path = self._path(kind, key, suffix)
            if path.exists():
                path.replace(path.with_name(path.name + ".damaged"))
        log.warning(
            "stored %s %s is damaged (%s): set aside as .damaged, computing it again",
            kind, self._path(kind, key, ".json"), problem,
        )  # fmt: skip

    def _note(self, kind: str, key: str) -> dict[str, Any] | None:
        if key not in self._notes:
            try:
                note = decoded_note(self._path(kind, key, ".json").read_bytes())
                intact = note["key"] == key
            except (FileNotFoundError, NotADirectoryError):
                return None
            except (ValueError, KeyError, AttributeError, TypeError):
                intact = False
            if not intact:
                self._set_aside(kind, key, "its note does not match its checksum")
                return None
            self._keep(note)
        return self._notes[key]

    def _keep(self, note: dict[str, Any]) -> None:
        """Keep a note in memory, without the provenance: it is long, and only read by people."""
        self._notes[note["key"]] = {name: note[name] for name in ("info", "arrays", "seconds")}

    def _require(self, kind: str, key: str) -> dict[str, Any]:
        note = self._note(kind, key)
        if note is None:
            raise FileNotFoundError(self._path(kind, key, ".json"))
        return note

    def _path(self, kind: str, key: str, suffix: str) -> Path:
        return Path(f"{self.root}/{kind}/{key}{suffix}")

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
