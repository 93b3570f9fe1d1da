"""The provenance of results: versions of software, and hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any

LIBRARIES = (
    "torch", "numpy", "scipy", "scikit-learn", "dp-accounting", "opacus", "pandas", "pydantic", "pluggy",
)  # fmt: skip


def environment(plugins: Mapping[str, str], device: str) -> dict[str, Any]:
    """Return versions and hardware as JSON values.

    Args:
        plugins: the distribution of each third-party plugin.
        device: the torch device that computes.
    """
    return {
        "python": platform.python_version(),
        "privbench": importlib.metadata.version("privbench"),
        "plugins": dict(plugins),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "device": device,
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
