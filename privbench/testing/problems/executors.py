"""A tiny benchmark, for executors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from privbench.api import make_plans, make_runner
from privbench.components import Bound
from privbench.plugins.host import PluginHost
from privbench.runner import Runner
from privbench.testing.problems.base import Problem, Results

BENCHMARK = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks.tiny]
datasets = [{{ name = "npz", path = "{data}" }}]
models = [{{ name = "mlp", hidden = [8], epochs = 2, batch_size = 16 }}]
defenses = ["none", "noisy"]
attacks = ["loss", "lira"]
knowledge = ["adaptive"]
population = 4
canaries = 0
seeds = [{seed}]
"""
NUMBERS = ("auc", "test_accuracy", "train_accuracy")
"""Columns of rows that are compared."""


class OfExecutors(Problem):
    """A benchmark of two defenses and two attacks on a small table."""

    def inputs(self, variant: int = 0) -> int:
        """Return the seed of the benchmark."""
        return variant

    def run(self, bound: Bound, inputs: int, seed: int) -> Results:
        """Return numbers of all rows, which the executor has computed."""
        with tempfile.TemporaryDirectory(prefix="privbench-") as folder:
            rows = runner_of(Path(folder), bound, 100 * inputs + seed).run()
        texts = [row["reason"] if row["status"] != "ok" else "" for row in rows]
        numbers = [[row[name] for row in rows] for name in NUMBERS]
        return {
            "reasons": np.array(texts, dtype=object),
            **{name: np.array(v, dtype=float) for name, v in zip(NUMBERS, numbers, strict=True)},
        }

    def protected(self, inputs: int) -> Any:
        """Return nothing."""
        return None


def runner_of(folder: Path, bound: Bound, seed: int) -> Runner:
    """Return what runs the benchmark in a folder with an executor."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    x = rng.normal(size=(80, 4)) + 0.5 * y[:, None]
    np.savez(folder / "data.npz", x=x.astype(np.float32), y=y)
    config = folder / "benchmarks.toml"
    config.write_text(BENCHMARK.format(data=folder / "data.npz", seed=seed), encoding="utf-8")
    host = PluginHost(installed=False)
    (plan,) = make_plans(["tiny"], host, config=config)
    runner = make_runner(plan, host, results=folder / "results", device="cpu")
    runner.executor = bound.component
    return runner
