"""Seconds per model of the engine and of common training loops, side by side in one run.

    python bench/population.py [--models 16] [--repeat 3] [--share 1] [--workload L] [--json FILE]

The yardstick is a DataLoader over a TensorDataset, one model after another, on torch's default threads.
Every candidate is run in turn, the yardstick before and after them, ``--repeat`` times. Medians are
reported, because the speed of a shared machine drifts. ``--share`` trains that share of the epochs and
scales up; Opacus is always timed on a share of its steps. With PRIVBENCH_DATA_DIR set, workloads L, M
and CNN train on Location-30 and MNIST, else on random records of their shape. The JSON has every
measurement.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
import users
from machine import RESULTS, machine, peak, seconds, write
from workloads import Workload, private_workloads, real_data, workloads

from privbench.engine import PrivateSteps, normal, train_population, train_privately

OPACUS_STEPS = 150
ALONE = 2
"""Models that are enough to time one after another."""

Timed = dict[str, Callable[[], float]]
FIRST = """
import sys, time
started = time.perf_counter()
import torch
sys.path.insert(0, {here!r})
from workloads import workloads
from privbench.engine import train_population
workload = next(workloads({models}))
imported = time.perf_counter()
train_population(workload.build, workload.sets, workload.recipe, range({models}))
print(imported - started, time.perf_counter() - imported)
"""


def engine(workload: Workload, strategy: Any, models: int | None = None) -> float:
    """Seconds a model of the engine."""
    sets = (
        workload.sets.take(range(min(models, workload.sets.n_models))) if models else workload.sets
    )
    random_inputs = normal(workload.random_dim) if workload.random_dim else None

    def train() -> None:
        train_population(
            workload.build, sets, workload.recipe, range(sets.n_models),
            loss=workload.loss, random_inputs=random_inputs, strategy=strategy,
        )  # fmt: skip

    return seconds(train) / sets.n_models


def candidates(workload: Workload) -> Timed:
    """What is timed on a workload: name, and what gives seconds a model."""
    timed: Timed = {
        "yardstick before": lambda: users.data_loader(workload, ALONE),
        "index loop": lambda: users.index_loop(workload, ALONE),
        "engine, sequential": lambda: engine(workload, "sequential", ALONE),
        "engine, processes": lambda: engine(workload, "processes", 4),
        "engine, auto": lambda: engine(workload, "auto"),
        "yardstick after": lambda: users.data_loader(workload, ALONE),
    }
    if workload.name.startswith("CNN"):
        channels_last = {
            "channels last": lambda: users.data_loader(workload, ALONE, channels_last=True)
        }
        timed = {**dict(list(timed.items())[:1]), **channels_last, **dict(list(timed.items())[1:])}
    return timed


def private_candidates(workload: Workload, share: float) -> Timed:
    """The same with DP-SGD; seconds of as many steps as the epochs have."""
    m, size = workload.sets.m, workload.recipe.batch_size
    steps = max(1, m // size * workload.recipe.epochs)
    private = PrivateSteps(size / m, steps, noise_multiplier=1.0, max_grad_norm=1.0)
    few = max(1, round(OPACUS_STEPS * share))

    def train() -> None:
        train_privately(
            workload.build, workload.sets, workload.recipe, private, range(workload.sets.n_models)
        )

    return {
        "Opacus, hooks": lambda: users.opacus(workload, "hooks", few) * steps,
        "Opacus, ghost": lambda: users.opacus(workload, "ghost", few) * steps,
        "engine, auto": lambda: seconds(train) / workload.sets.n_models,
    }


def measure(timed: Timed, repeat: int, scale: float) -> dict[str, list[float]]:
    """Seconds a model of every run; one of each kind to warm up is not counted."""
    for run in timed.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(repeat):
        for name, run in timed.items():
            taken[name].append(run() * scale)
    return taken


def row(
    workload: Workload, taken: dict[str, list[float]], peaks: dict[str, float]
) -> dict[str, Any]:
    """Medians, and how many times the yardsticks the engine is."""
    middle = {name: median(times) for name, times in taken.items()}
    if "Opacus, hooks" in middle:
        rulers = {
            "Opacus, hooks": middle["Opacus, hooks"],
            "Opacus, ghost": middle["Opacus, ghost"],
        }
        targets = {"Opacus, hooks": 15.0, "Opacus, ghost": 7.0} if "L:" in workload.name else {}
    else:
        both = (middle["yardstick before"] + middle["yardstick after"]) / 2
        rulers, targets = (
            {"yardstick": both},
            {"yardstick": workload.target} if workload.target else {},
        )
    found = {
        "job": workload.name,
        "models": workload.sets.n_models,
        "epochs": workload.recipe.epochs,
        "taken": taken,
        "seconds": middle,
        "times": {name: ruler / middle["engine, auto"] for name, ruler in rulers.items()},
        "targets": targets,
    }
    if "yardstick" in rulers:
        rate = workload.flops() / middle["engine, auto"] / 1e9
        found |= {"gflops": rate, "of_peak": rate / peaks["torch.mm"]}
    return found


def show(found: dict[str, Any]) -> None:
    """Print a row."""
    first = next(iter(found["times"]))
    ruler = found["times"][first] * found["seconds"]["engine, auto"]
    for name, middle in found["seconds"].items():
        print(f"{found['job']:26} {name:20} {middle:8.3f} s a model {ruler / middle:6.1f}x")
    for name, times in found["times"].items():
        target = found["targets"].get(name)
        verdict = "" if target is None else f" (target {target:g}x: {_met(times >= target)})"
        print(f"{found['job']:26} the engine is {times:.1f} times {name}{verdict}")
    if "of_peak" in found:
        verdict = (
            f" (target 50%: {_met(found['of_peak'] >= 0.5)})" if found["job"][0] == "L" else ""
        )
        print(
            f"{found['job']:26} {found['gflops']:.0f} GFLOP/s of products,"
            f" {found['of_peak']:.0%} of torch.mm{verdict}",
            flush=True,
        )


def _met(yes: bool) -> str:
    return "met" if yes else "missed"


def first_population(models: int) -> dict[str, float]:
    """Seconds of imports, and of the first population of workload L, in a fresh process."""
    code = FIRST.format(here=str(Path(__file__).parent), models=models)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    imports, first = map(float, done.stdout.split())
    return {"imports": imports, "first population": first}


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time the engine against what users write")
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the epochs; scaled up")
    parser.add_argument(
        "--workload", default="", help="only workloads whose name starts so (L, M, DP-SGD L)"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "population.json")
    arguments = parser.parse_args(argv)
    for name, value in (("models", arguments.models), ("repeat", arguments.repeat)):
        if value < 1:
            parser.error(f"--{name} {value}: must be 1 or more")
    if not 0 < arguments.share <= 1:
        parser.error(f"--share {arguments.share}: must be above 0 and at most 1")
    return arguments


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(argv)
    before, peaks, rows = machine(), peak(), []
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in peaks.items())
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, GFLOP/s: {rates}")
    chosen = [*workloads(arguments.models), *private_workloads(arguments.models)]
    chosen = [workload for workload in chosen if workload.name.startswith(arguments.workload)]
    if not chosen:
        raise SystemExit(f"--workload {arguments.workload}: no workload's name starts so")
    for workload in chosen:
        epochs = max(1, round(workload.recipe.epochs * arguments.share))
        scale = workload.recipe.epochs / epochs
        part = replace(workload, recipe=replace(workload.recipe, epochs=epochs))
        private = workload.name.startswith("DP-SGD")
        timed = private_candidates(part, arguments.share) if private else candidates(part)
        rows.append(row(workload, measure(timed, arguments.repeat, scale), peaks))
        show(rows[-1])
    content = {
        "machine": before,
        "load_after": os.getloadavg(),
        "real_data": real_data(),
        "arguments": {k: str(v) for k, v in vars(arguments).items() if k != "json"},
        "peak_gflops": peaks,
        "first": first_population(arguments.models),
        "rows": rows,
    }
    print("in a fresh process: {imports:.1f} s of imports, {first population:.1f} s".format(
        **content["first"]
    ))  # fmt: skip
    write(arguments.json, content)


if __name__ == "__main__":
    main()
