"""On what a result was computed: versions and hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "opacus", "pandas", "pydantic", "pluggy")


def environment(plugins: Mapping[str, str], device: str) -> dict[str, Any]:
    """Versions of Python, of privbench, its plugins and libraries, and the machine."""
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
