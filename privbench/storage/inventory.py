"""What lies in the store of a results folder: artifacts with age and size, and leftovers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = "-parts"
"""How the kinds of parts end; see `privbench.storage.parts`."""
LEFTOVER = "leftover"
"""The kind of files that are no artifact: of writing that was interrupted, or set aside as damaged."""


@dataclass(frozen=True)
class Stored:
    """One artifact, or a leftover."""

    kind: str
    """The kind of its stage, or ``leftover``."""
    key: str
    """The key of its stage; of a leftover its name."""
    files: tuple[Path, ...]
    bytes: int
    age: float
    """Seconds since it was written."""
    inputs: tuple[str, ...] = ()
    """Keys of the stages that it was computed from."""
    seconds: float = 0.0
    """How long it took to compute."""

    def delete(self) -> None:
        """Delete its files: the note first, so that no half of an artifact is ever read."""
        for path in sorted(self.files, key=lambda path: path.suffix != ".json"):
            path.unlink(missing_ok=True)


def inventory(root: Path) -> list[Stored]:
    """Return all that lies in the store of a results folder; links are not followed."""
    folder = root / "artifacts"
    if not folder.is_dir():
        return []
    found = [one for kind in sorted(folder.iterdir()) if kind.is_dir() for one in _of_kind(kind)]
    whole = {one.key for one in found if not one.kind.endswith(PARTS)}
    # Parts of an artifact that is complete are left over by a process that was killed then.
    return [
        Stored(LEFTOVER, one.key, one.files, one.bytes, one.age)
        if one.kind.endswith(PARTS) and one.key.rpartition("-")[0] in whole
        else one
        for one in found
    ]


def reached_by(keys: Iterable[str], stored: Iterable[Stored]) -> set[str]:
    """Return the keys of all stages that belong to the same settings as stages with ``keys``.

    These are the stages that they were computed from, and what was computed from one of those. Not all
    stages are stored, as those of settings and releases; they are known from the artifacts after them.
    """
    artifacts = [one for one in stored if one.kind != LEFTOVER]
    by_key = {one.key: one for one in artifacts}
    reached, pending = set(), list(keys)
    while pending:
        key = pending.pop()
        if key not in reached:
            reached.add(key)
            pending += by_key[key].inputs if key in by_key else ()
    grows = True
    while grows:
        new = {
            a.key for a in artifacts if a.key not in reached and not reached.isdisjoint(a.inputs)
        }
        grows = bool(new)
        reached |= new
    return reached


def _of_kind(folder: Path) -> Iterator[Stored]:
    now = time.time()
    files = {
        path.name: path for path in folder.iterdir() if path.is_file() and not path.is_symlink()
    }
    taken = set()
    for name, path in files.items():
        note = _note(path) if path.suffix == ".json" and not name.startswith(".") else None
        if note is not None:
            arrays = files.get(path.stem + ".safetensors")
            both = (path,) if arrays is None else (path, arrays)
            taken |= {one.name for one in both}
            inputs, seconds = note
            yield Stored(
                folder.name, path.stem, both, _size(both), _age(path, now), inputs, seconds
            )
    for name, path in files.items():
        if name not in taken:
            yield Stored(LEFTOVER, name, (path,), _size((path,)), _age(path, now))


def _note(path: Path) -> tuple[tuple[str, ...], float] | None:
    """Return the inputs and seconds of an artifact; None if its note cannot be read."""
    try:
        note: Any = json.loads(path.read_bytes())
        provenance = note["provenance"]
        of_whole = provenance.get("of") or provenance
        return tuple(map(str, of_whole["inputs"])), float(note["seconds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _size(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _age(path: Path, now: float) -> float:
    return max(now - path.stat().st_mtime, 0.0)
