"""The stall of two threads on one core, and the settings that avoid it.

    python bench/threads.py [--json FILE]

Two threads inside each operation wait for each other by spinning. Where both are scheduled on one core,
each waits for the other to be put aside: a step takes many times as long. Each setting trains two
models of workload L for four epochs in a process of its own, with all cores; pinned to one of them; and
with a process beside it that keeps one core busy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import RESULTS, machine, write

SETTINGS: dict[str, dict[str, str]] = {
    "a loop, 2 threads": {"HOW": "loop", "THREADS": "2"},
    "a loop, 2 threads, OMP_WAIT_POLICY=passive": {
        "HOW": "loop", "THREADS": "2", "OMP_WAIT_POLICY": "passive",
    },
    "a loop, 2 threads, GOMP_SPINCOUNT=0": {"HOW": "loop", "THREADS": "2", "GOMP_SPINCOUNT": "0"},
    "a loop, 1 thread": {"HOW": "loop", "THREADS": "1"},
    "engine, sequential": {"HOW": "sequential", "THREADS": "2"},
    "engine, auto": {"HOW": "auto", "THREADS": "2"},
}  # fmt: skip
PLACES = ("all cores", "one core", "one core busy")
CODE = """
import os, sys, time
sys.path.insert(0, {here!r})
if os.environ["PLACE"] == "one core":
    os.sched_setaffinity(0, {{0}})
import torch
torch.set_num_threads(int(os.environ["THREADS"]))
from dataclasses import replace
from workloads import workloads
import users
from privbench.engine import train_population
workload = next(workloads(2))
workload = replace(workload, recipe=replace(workload.recipe, epochs=4))
how = os.environ["HOW"]
import torch.fx.experimental.proxy_tensor  # what is imported at the first step, is not what stalls
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1).step()
started = time.perf_counter()
if how == "loop":
    users.index_loop(workload, 2)
else:
    train_population(workload.build, workload.sets, workload.recipe, [0, 1], strategy=how)
print((time.perf_counter() - started) / (2 * 4 * 40))
"""


def step(setting: dict[str, str], place: str, repeat: int) -> float:
    """Median seconds of a model's step in the first fits of a process."""
    environment = {**os.environ, **setting, "PLACE": place}
    code = CODE.format(here=str(Path(__file__).parent))
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if "busy" in place else None
    try:
        time.sleep(0.2)
        runs = [
            subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True,
                check=True,
            )
            for _ in range(repeat)
        ]  # fmt: skip
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
    return median(float(done.stdout) for done in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description="time first fits by thread settings")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, default=RESULTS / "threads.json")
    arguments = parser.parse_args()
    before, rows = machine(), []
    print(f"{'ms a step':46}" + "".join(f"{place:>16}" for place in PLACES))
    for name, setting in SETTINGS.items():
        found: dict[str, Any] = {p: step(setting, p, arguments.repeat) for p in PLACES}
        rows.append({"setting": name, **found})
        print(f"{name:46}" + "".join(f"{found[p] * 1e3:16.2f}" for p in PLACES), flush=True)
    write(arguments.json, {"machine": before, "load_after": os.getloadavg(), "rows": rows})


if __name__ == "__main__":
    main()
