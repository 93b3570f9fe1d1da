"""Artifacts on disk: what stages computed, looked up by the keys of the stages.

An artifact is a JSON file (its note), with a safetensors file beside it if it has arrays. Both are
written under a temporary name and renamed, the note last. So if the note is there, the artifact is
complete, even after the process was killed. Checksums are verified on reading, and a damaged artifact
is set aside. So is whatever else is in its place: an artifact of another key, a link, a folder, a pipe.

Large arrays are not read into memory, but mapped: the system reads what is looked at, and takes the
memory back when it needs it. Nobody writes into a file that is there; it is replaced, or deleted.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.data import read_only
from privbench.errors import StorageFailed
from privbench.escape import one_line
from privbench.seeds import digest
from privbench.storage import scratch, tensors
from privbench.storage.artifact_files import Damaged, free_name, opened, read_arrays, read_note
from privbench.storage.files import GOES_ON, why_not_written, write_whole
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

KEPT = ("info", "arrays", "bytes", "seconds")
"""What of a note is kept in memory."""


class Store:
    """The artifacts in a results folder. Damaged ones are reported in the log and set aside."""

    def __init__(self, root: Path) -> None:
        self.root = root / "artifacts"
        self._notes: dict[str, dict[str, Any]] = {}

    @property
    def folder(self) -> Path:
        """The folder of all artifacts, for temporary files beside them; it is made if it is missing."""
        with suppress(OSError):  # whoever writes there reports it
            self.root.mkdir(exist_ok=True)
        return self.root

    def has(self, kind: str, key: str) -> bool:
        """Return whether an artifact is stored. Its arrays are only verified when they are loaded."""
        note = self._note(kind, key)
        if note is None:
            return False
        if not note["arrays"]:
            return True
        try:
            with opened(self._name(kind, key, ".safetensors")):
                return True
        except Damaged as problem:
            self._set_aside(kind, key, str(problem))
            return False
        except OSError:
            return False

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
        if not self.has(kind, key):
            return None
        note = self._require(kind, key)
        if not note["arrays"]:
            return Artifact(info=note["info"])
        try:
            arrays = read_arrays(self._path(kind, key, ".safetensors"), note)
        except FileNotFoundError:  # another process has deleted or set aside the artifact
            return None
        except Damaged as problem:
            self._set_aside(kind, key, str(problem))
            return None
        return Artifact(arrays, note["info"])

    def in_files(self, kind: str, key: str, artifact: Artifact) -> Artifact:
        """Return an artifact that was just saved, with its arrays mapped if they are large."""
        if not scratch.MAPS or sum(a.nbytes for a in artifact.arrays.values()) < scratch.LARGE:
            return artifact
        try:
            arrays = read_arrays(self._path(kind, key, ".safetensors"), None)
        except (FileNotFoundError, Damaged):  # deleted meanwhile: it is in memory, and stays there
            return artifact
        return replace(artifact, arrays=arrays)

    def save(
        self, kind: str, key: str, artifact: Artifact, *, seconds: float, provenance: Any
    ) -> int:
        """Write an artifact, and return its size in bytes.

        A process that is killed meanwhile leaves no artifact.

        Raises:
            StorageFailed: it cannot be written, as on a full disk.

        Args:
            kind: the kind of the stage, which names the folder.
            key: the key of the stage.
            artifact: the artifact.
            seconds: how long it took to compute.
            provenance: how it came about, as JSON values.
        """
        checksum, size = "", 0
        if artifact.arrays:
            content = tensors.pieces(artifact.arrays)
            sha256 = hashlib.sha256()
            for piece in content:
                sha256.update(piece)
            checksum, size = sha256.hexdigest(), sum(map(len, content))
            self._write(kind, key, ".safetensors", *content)
        note = {
            "kind": kind,
            "key": key,
            "seconds": seconds,
            "arrays": checksum,
            "bytes": size,
            "info": dict(artifact.info),
            "provenance": provenance,
        }
        text = encoded_note(note)
        self._write(kind, key, ".json", text)
        self._keep(decoded_note(text))  # as later runs read it, so that rows are alike
        return size + len(text)

    def delete(self, kind: str, key: str) -> None:
        """Delete an artifact, if it is there: its note first, so that no half of it is ever read."""
        self._notes.pop(key, None)
        for suffix in (".json", ".safetensors"):
            self._path(kind, key, suffix).unlink(missing_ok=True)

    def _set_aside(self, kind: str, key: str, problem: str) -> None:
        """Rename the files of a damaged artifact, so that it is computed again and can be inspected."""
        self._notes.pop(key, None)
        what = "set aside as .damaged"
        for suffix in (".json", ".safetensors"):
            path = self._path(kind, key, suffix)
            try:
                if os.path.lexists(path):
                    os.replace(path, free_name(path))
            except OSError as error:  # a folder that is read-only
                what = f"cannot be set aside: {why_not_written(path, error)}"
        log.warning(
            "stored %s %s is damaged (%s): %s, computing it again",
            kind, one_line(str(self._path(kind, key, ".json"))), problem, what,
        )  # fmt: skip

    def _note(self, kind: str, key: str) -> dict[str, Any] | None:
        if key not in self._notes:
            try:
                self._keep(read_note(self._name(kind, key, ".json"), kind, key))
            except (FileNotFoundError, NotADirectoryError):
                return None
            except Damaged as problem:
                self._set_aside(kind, key, str(problem))
                return None
        return self._notes[key]

    def _keep(self, note: dict[str, Any]) -> None:
        """Keep a note in memory, without the provenance: it is long, and only read by people."""
        self._notes[note["key"]] = {name: note[name] for name in KEPT if name in note}

    def _require(self, kind: str, key: str) -> dict[str, Any]:
        note = self._note(kind, key)
        if note is None:
            raise FileNotFoundError(self._path(kind, key, ".json"))
        return note

    def _path(self, kind: str, key: str, suffix: str) -> Path:
        return Path(self._name(kind, key, suffix))

    def _name(self, kind: str, key: str, suffix: str) -> str:
        """Return a path as text: a stored run asks for thousands, and paths take time to make."""
        return f"{self.root}/{kind}/{key}{suffix}"

    def _write(self, kind: str, key: str, suffix: str, *content: bytes | memoryview) -> None:
        path = self._path(kind, key, suffix)
        try:
            # The results folder itself is not made: one that is gone was removed or unmounted.
            for folder in (self.root, path.parent):
                folder.mkdir(exist_ok=True)
            if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
                os.replace(path, free_name(path))
            write_whole(path, *content)
        except OSError as error:
            why = why_not_written(path, error)
            raise StorageFailed(f"{kind}: cannot be stored: {why}; {GOES_ON}") from None
