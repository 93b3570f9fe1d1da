"""How the cost of workload L grows with models, records and epochs; and the memory that it takes.

    python bench/scaling.py [--json FILE]

Each point is a process of its own: seconds of training, and the largest resident memory of the process
and of all its workers together, above which it never was. Writes a plot beside the JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write

POINTS = {
    "models": (2, 4, 8, 16, 32, 64, 128, 256),
    "records": (313, 626, 1252, 2505),
    "epochs": (5, 10, 20, 40),
}
USUAL = {"models": 16, "records": 2505, "epochs": 20}
LIMIT = 1.5
"""GiB resident for 256 models of workload L."""

CODE = """
import json, os, sys, threading, time
sys.path.insert(0, {here!r})
import torch
from dataclasses import replace
from workloads import workloads
from privbench.engine import Recipe, train_population

def resident():
    total = 0
    for pid in [os.getpid(), *open(f"/proc/self/task/{{os.getpid()}}/children").read().split()]:
        try:
            lines = open(f"/proc/{{pid}}/smaps_rollup").read().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 2**20

def watch():
    while not done.is_set():
        seen.append(resident())
        done.wait(0.05)

workload = next(workloads({models}))
sets = replace(workload.sets, index=workload.sets.index[:, :{records}].contiguous())
warm = replace(workload.recipe, epochs=1)
train_population(workload.build, sets.take([0, 1]), warm, [0, 1])
seen, done = [resident()], threading.Event()
watcher = threading.Thread(target=watch)
watcher.start()
started = time.perf_counter()
train_population(workload.build, sets, replace(workload.recipe, epochs={epochs}), range({models}))
took = time.perf_counter() - started
done.set()
watcher.join()
print(json.dumps({{"seconds": took, "before_gib": seen[0], "resident_gib": max(seen)}}))
"""


def point(**changes: int) -> dict[str, Any]:
    """One measurement."""
    size = USUAL | changes
    code = CODE.format(here=str(Path(__file__).parent), **size)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {**size, **json.loads(done.stdout)}


def plot(curves: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Seconds over each size, with the straight line through the largest one."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(curves), figsize=(10, 3.2), sharey=True, layout="constrained"
    )
    for axis, (name, points) in zip(axes, curves.items(), strict=True):
        x, y = ([one[key] for one in points] for key in (name, "seconds"))
        axis.loglog(x, y, "o-", label="measured")
        axis.loglog(x, [y[-1] * value / x[-1] for value in x], "--", label="proportional")
        axis.set_xlabel(name)
    axes[0].set_ylabel("seconds of training")
    axes[0].legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="cost and memory by size")
    parser.add_argument("--json", type=Path, default=RESULTS / "scaling.json")
    arguments = parser.parse_args()
    before, curves = machine(), {}
    for name, values in POINTS.items():
        curves[name] = [point(**{name: value}) for value in values]
        for one in curves[name]:
            took, memory = one["seconds"], one["resident_gib"]
            print(f"{name:8} {one[name]:5} {took:8.2f} s {memory:6.2f} GiB resident", flush=True)
    largest = curves["models"][-1]["resident_gib"]
    print(
        f"256 models: {largest:.2f} GiB (target {LIMIT}: {'met' if largest <= LIMIT else 'missed'})"
    )
    content = {"machine": before, "load_after": os.getloadavg(), "usual": USUAL, "curves": curves}
    write(arguments.json, content)
    plot(curves, arguments.json.with_suffix(".png"))


if __name__ == "__main__":
    main()
