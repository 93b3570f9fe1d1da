"""Where a component's code comes from: its distribution, and a digest of code that has no release."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """Where a component came from: a distribution (or a single file) and its version.

    ``released`` is false for code that can change without a new version: editable installs, installs
    from a folder, single files. Its contents then enter the keys of stages.
    """

    name: str
    version: str = ""
    released: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def is_local(distribution: str) -> bool:
    """Whether it was installed from a folder (PEP 610) rather than as a released distribution."""
    try:
        record = importlib.metadata.distribution(distribution).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return True
    return record is not None and "dir_info" in json.loads(record)


def source_digest(module: str) -> str:
    """Sha256 over the Python files that a component's code can consist of."""
    places = source_places(module)
    return _digest_files(places) if places else ""


def source_places(module: str) -> tuple[str, ...]:
    """Where a component's code is: the folders of its root package, since a component may use any of
    their files; the file of a single module; nothing for what was typed into a session.
    """
    root = sys.modules[module.partition(".")[0]]
    folders = getattr(root, "__path__", None)
    if folders is not None:
        return tuple(folders)
    file = getattr(root, "__file__", None)
    return (str(file),) if file else ()


@cache
def _digest_files(places: tuple[str, ...]) -> str:
    result = hashlib.sha256()
    for place in map(Path, places):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            result.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return result.hexdigest()
