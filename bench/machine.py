"""What a benchmark was run on, for its JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "bench"


def machine() -> dict[str, Any]:
    """Processor, memory, load, versions and commit."""
    return {
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "simd": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "numpy", "opacus", "scikit-learn")},
        "threads": torch.get_num_threads(),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def commit() -> str:
    """The commit, with "-dirty" where tracked files were changed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def peak(repeat: int = 7) -> dict[str, float]:
    """GFLOP/s of the product of square float32 matrices, by torch.mm and by oneDNN; all threads."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    kinds = {"torch.mm": lambda: torch.mm(a, b)}
    if torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        linear = torch.ops.mkldnn._linear_pointwise.default
        kinds["oneDNN"] = lambda: linear(a, b, None, "none", [], "")
    found = {}
    for name, run in kinds.items():
        run()
        found[name] = 2 * 2048**3 / median(seconds(run) for _ in range(repeat)) / 1e9
    return found


def seconds(run: Any) -> float:
    """That a call takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def write(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written to {path}")


def _line(file: str, key: str) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
