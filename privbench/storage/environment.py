"""The provenance of results: versions of software, the commit of the code, and hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

LIBRARIES = (
    "torch", "numpy", "scipy", "scikit-learn", "dp-accounting", "opacus", "pandas", "pydantic", "pluggy",
)  # fmt: skip


def environment(plugins: Mapping[str, str], device: str, off: Sequence[str] = ()) -> dict[str, Any]:
    """Return versions, the commit of the code and hardware as JSON values.

    Args:
        plugins: the distribution of each third-party plugin.
        device: the torch device that computes.
        off: the installed plugins that are not loaded, because the user turned them off.
    """
    return {
        "python": platform.python_version(),
        "privbench": importlib.metadata.version("privbench"),
        **commit_of(Path(__file__).parent.parent),
        "plugins": dict(plugins),
        **({"plugins_off": list(off)} if off else {}),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "device": device,
    }


def version_text(facts: Mapping[str, Any]) -> str:
    """Return the version of privbench and the commit of its code, from what `environment` returns."""
    version = f"privbench {facts.get('privbench', 'of unknown version')}"
    if facts.get("commit") is None:
        return version
    changes = "" if facts["clean"] else " with uncommitted changes"
    commits = ", ".join(commit[:7] for commit in facts["commit"].split(", "))  # of a joined run
    return f"{version}, commit {commits}{changes}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


@cache
def commit_of(package: Path) -> dict[str, Any]:
    """Return the commit that a folder of code is of, and whether the folder is as in that commit.

    It is asked once in a process, since code that is loaded does not change with the files.

    Returns:
        ``commit``: the hash, or None if the folder is not tracked by a git repository, as in an
        installed package. ``clean``: whether no file of the folder differs from the commit, and none
        is there that git neither tracks nor ignores; None without a commit.
    """
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py")
    commit = _git(package, "rev-parse", "--verify", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", ".")
    if tracked is None or commit is None or changes is None:
        return {"commit": None, "clean": None}
    return {"commit": commit, "clean": not changes}


def has_same_code(commit: str) -> bool:
    """Return whether a commit that the repository has holds the code of privbench as HEAD does."""
    package = Path(__file__).parent.parent
    return _git(package, "diff", "--quiet", commit, "HEAD", "--", "*.py") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints in a folder, or None if it fails or is not installed."""
    # Variables such as GIT_DIR, which git sets for its hooks, would name another repository.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True,
            timeout=30, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
