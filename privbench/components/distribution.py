"""Identify a component's code: its distribution, and a digest of source code without a release."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """The distribution, or single file, that a component came from.

    ``released`` is false for code that can change without a new version: an editable install, an
    install from a folder, or a single file. Then a digest of the code enters the keys of stages.
    """

    name: str
    version: str = ""
    released: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@cache
def is_local(distribution: str) -> bool:
    """Return whether a distribution was installed from a folder (PEP 610), or is not installed.

    It is remembered: every stage asks about privbench.
    """
    try:
        record = importlib.metadata.distribution(distribution).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return True
    return record is not None and "dir_info" in json.loads(record)


def source_digest(module: str) -> str:
    """Return the sha256 of the Python files that a component's code may use; empty if there are none."""
    places = source_places(module)
    return _digest_files(places) if places else ""


def source_places(module: str) -> tuple[str, ...]:
    """Return the files and folders that hold a component's code.

    - Of a package: the folders of its root package, since a component may use any file in them.
    - Of a single module: its file.
    - Of code that was typed into a session: nothing.
    """
    root = sys.modules.get(module.partition(".")[0])
    folders = getattr(root, "__path__", None)
    if folders is not None:
        return tuple(folders)
    file = getattr(root, "__file__", None)
    return (str(file),) if file else ()


@cache
def code_version(code: str) -> str:
    """Return what tells one state of other code from another.

    Of an installed package its version; of a file, or of a package without a release (installed from a
    folder, or beside the user's files), a digest of its source.

    Raises:
        ModuleNotFoundError: If there is neither such a file nor such a package.
    """
    if code.endswith(".py"):
        return _digest_files((code,))
    root = code.partition(".")[0]
    found = importlib.metadata.packages_distributions().get(root, [])
    if found and not any(map(is_local, found)):
        return ", ".join(
            f"{name} {importlib.metadata.version(name)}" for name in sorted(set(found))
        )
    importlib.import_module(root)
    return source_digest(root)


@cache
def _digest_files(places: tuple[str, ...]) -> str:
    result = hashlib.sha256()
    for place in map(Path, places):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            result.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return result.hexdigest()
