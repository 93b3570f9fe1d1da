"""Where the time of a step goes: each workload on one thread, by kind of operation.

    python bench/profiles.py [--models 8] [--workload L] [--json FILE]

A chunk of each workload is trained for one epoch, and again for half as many more as its recipe has. The
difference, by torch's profiler, is the time of the additional steps, without one-time setup. Python's
share is the remainder of the time that the same takes without the profiler. The floor is the time of
matrix products and random numbers alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from machine import RESULTS, machine, seconds, write
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function
from workloads import Workload, private_workloads, real_data, workloads

from privbench.engine import GaussianNoise, PrivateSteps, normal, train_population, train_privately

KINDS = {
    "products": ("mm", "linear_pointwise", "convolution", "addmm", "bmm"),
    "optimizer": ("_fused_", "Optimizer."),
    "random numbers": ("normal_", "uniform_", "random_", "argsort", "randperm"),
    "picking the batch": ("index", "gather"),
}
"""Kinds of operations, by what their names contain; the first that fits. The rest is elementwise."""

STEPS = 400
"""Steps of the long run beyond the short one, at least."""


def kind(operation: str) -> str:
    """The kind of an operation of torch."""
    fits = (k for k, parts in KINDS.items() if any(part in operation for part in parts))
    return next(fits, "other operations")


def additional(workload: Workload) -> int:
    """Epochs of the long run beyond the one of the short run: enough to be seen in the difference."""
    least = 2 if workload.name.startswith("CNN") else -(-STEPS // each_epoch(workload))
    return max(least, workload.recipe.epochs // 2)


def trainer(workload: Workload, epochs: int) -> Callable[[], None]:
    """What trains all models of a workload as one chunk."""
    recipe, models = replace(workload.recipe, epochs=epochs), range(workload.sets.n_models)
    if workload.name.startswith("DP-SGD"):
        size, m = recipe.batch_size, workload.sets.m
        private = PrivateSteps(size / m, each_epoch(workload) * epochs, 1.0, 1.0)
        return lambda: _done(
            train_privately(
                workload.build, workload.sets, recipe, private, models, chunk=len(models)
            )
        )
    random_inputs = normal(workload.random_dim) if workload.random_dim else None
    strategy: Any = "sequential" if workload.name.startswith("CNN") else "batched"
    options: dict[str, Any] = {
        "loss": workload.loss,
        "random_inputs": random_inputs,
        "chunk": len(models),
    }
    return lambda: _done(
        train_population(
            workload.build, workload.sets, recipe, models, strategy=strategy, **options
        )
    )


def _done(population: object) -> None:
    """Nothing: what was trained is not needed."""


def each_epoch(workload: Workload) -> int:
    """Steps of an epoch; with DP-SGD at least as many as are recorded."""
    if workload.name.startswith("DP-SGD"):
        return max(100, workload.sets.m // workload.recipe.batch_size)
    return -(-workload.sets.m // workload.recipe.batch_size)


@contextmanager
def seen_noise() -> Iterator[None]:
    """Show torch's profiler the noise of DP-SGD, which NumPy draws."""
    fill = GaussianNoise.fill

    def watched(self: GaussianNoise, out: Tensor, sd: float) -> None:
        with record_function("noise::normal_"):
            fill(self, out, sd)

    with patch.object(GaussianNoise, "fill", watched):
        yield


def profiled(run: Callable[[], None]) -> dict[str, float]:
    """Microseconds that a run takes, by kind of operation."""
    with seen_noise(), profile(activities=[ProfilerActivity.CPU]) as seen:
        run()
    taken = dict.fromkeys((*KINDS, "other operations"), 0.0)
    for event in seen.key_averages():
        if "::" in event.key or "Optimizer." in event.key:
            taken[kind(event.key)] += event.self_cpu_time_total
    return taken


def measure(workload: Workload, repeat: int) -> dict[str, Any]:
    """Microseconds a step of one model, by kind."""
    short, long = trainer(workload, 1), trainer(workload, 1 + additional(workload))
    short()
    n = each_epoch(workload) * additional(workload) * workload.sets.n_models
    walls, profiles = [], []
    for _ in range(repeat):
        walls.append((seconds(long) - seconds(short)) * 1e6 / n)
        more, fewer = profiled(long), profiled(short)
        profiles.append({name: (more[name] - fewer[name]) / n for name in more})
    wall = median(walls)
    parts = {name: median(one[name] for one in profiles) for name in profiles[0]}
    parts["Python"] = wall - sum(parts.values())
    return {
        "job": workload.name,
        "models": workload.sets.n_models,
        "microseconds": wall,
        "parts": parts,
        "floor": parts["products"] + parts["random numbers"],
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="where the time of a step goes")
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--workload", default="", help="only workloads whose name starts so (L, M, DP-SGD L)"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "profiles.json")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    before, rows = machine(), []
    for workload in (*workloads(arguments.models), *private_workloads(arguments.models)):
        if (
            workload.name.startswith(arguments.workload)
            and workload.name != "DP-SGD CNN 16, 32 filters"
        ):
            sets = workload.sets.take(range(min(arguments.models, workload.sets.n_models)))
            rows.append(measure(replace(workload, sets=sets), arguments.repeat))
            print(f"{workload.name}: {rows[-1]['microseconds']:.0f} us a step of one model")
            for name, taken in rows[-1]["parts"].items():
                print(f"    {name:18} {taken:7.1f}")
    if not rows:
        raise SystemExit(f"--workload {arguments.workload}: no workload's name starts so")
    write(arguments.json, {"machine": before, "real_data": real_data(), "rows": rows})


if __name__ == "__main__":
    main()
