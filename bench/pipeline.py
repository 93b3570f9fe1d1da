"""The whole of workload L: `privbench run` on a cold cache, from the command to the table.

    python bench/pipeline.py [--repeat 3] [--json FILE]

A pool of 4,000 records of Location-30, 18 models, LiRA and RMIA; target: within 12 s. Every run starts a
process of its own with an empty results folder. Needs PRIVBENCH_DATA_DIR.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import RESULTS, machine, write
from workloads import real_data

TARGET = 12.0
BENCHMARK = """
[benchmarks.job-l]
datasets = ["location30"]
models = [{ name = "mlp", hidden = [128], epochs = 20, batch_size = 64, lr = 0.1 }]
defenses = ["none"]
attacks = ["lira", "rmia"]
population = 18
pool = 4000
canaries = 0
"""


def run(folder: Path) -> dict[str, Any]:
    """Seconds of the whole, of the imports and of each kind of stage; and the table."""
    config = folder / "benchmarks.toml"
    config.write_text(BENCHMARK)
    command = [sys.executable, "-m", "privbench", "run", "job-l", "-c", str(config)]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--results", str(folder)], capture_output=True, text=True, check=True
    )
    taken = {"whole": time.perf_counter() - started, "import torch and privbench": imports()}
    for file in sorted((folder / "artifacts").rglob("*.json")):
        info = json.loads(file.read_text())
        kind = info.get("kind") or file.parent.name
        taken[kind] = taken.get(kind, 0.0) + info["seconds"]
    return {"seconds": taken, "table": done.stdout}


def imports() -> float:
    """Seconds of a process that imports what a run imports."""
    modules = "torch, scipy.special, privbench.engine, privbench.attacks.lira"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="time privbench run on a cold cache")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, default=RESULTS / "pipeline.json")
    arguments = parser.parse_args()
    if not real_data():
        raise SystemExit("PRIVBENCH_DATA_DIR: needed for Location-30, and not set")
    before, runs = machine(), []
    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(Path(folder)))
        print({name: round(took, 2) for name, took in runs[-1]["seconds"].items()}, flush=True)
    whole = median(one["seconds"]["whole"] for one in runs)
    print(runs[-1]["table"])
    print(f"{whole:.1f} s (target {TARGET:g} s: {'met' if whole <= TARGET else 'missed'})")
    content = {"machine": before, "load_after": os.getloadavg(), "target": TARGET, "whole": whole}
    write(arguments.json, {**content, "runs": runs})


if __name__ == "__main__":
    main()
