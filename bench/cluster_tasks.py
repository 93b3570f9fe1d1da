"""Measure the tasks of the benchmark of bench/cluster.toml, for bench/simulate.py.

    python bench/cluster_tasks.py [--results FOLDER] [--json FILE]

It runs all stages with 16 models a population, and those of a few defenses on two datasets with 64, on one
thread; what a results folder has is not computed again. Written are what each stage took and stored, what it
reads, and the power of the number of models to which the time of each kind of stage grows. Needs
PRIVBENCH_DATA_DIR. On one core it takes 40 minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from machine import HERE, RESULTS, machine, write

CONFIG = HERE / "cluster.toml"
SETTINGS = {"cifar10.train_files": 2}
GROWTH = {
    "datasets": ["digits", "location30"],
    "defenses": ["none", "label-smoothing", "selena", "top-k", "memguard", "vae-metric", "dp-sgd"],
}
"""What is measured with 64 models as well."""
CHUNK, MANY = 16, 64


def settings(**changes: Any) -> dict[str, Any]:
    return SETTINGS | changes


def compute(results: Path, changes: dict[str, Any]) -> None:
    """Run the benchmark, or what of it is not stored."""
    command = [sys.executable, "-m", "privbench", "run", "cluster", "-c", str(CONFIG)]
    for key, value in changes.items():
        command += ["--set", f"{key}={json.dumps(value)}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--results", str(results)], env=environment, check=True, stdout=subprocess.DEVNULL
    )


def make_plan(changes: dict[str, Any]) -> Any:
    from privbench.api import make_plans
    from privbench.config import Overrides
    from privbench.plugins.host import PluginHost

    return make_plans(["cluster"], PluginHost(), config=CONFIG, overrides=Overrides(changes))[0]


def stages(changes: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """What each stage that is stored took, stored and reads, each after its inputs."""
    from privbench.storage.artifacts import Store

    store = Store(results)
    found: dict[str, dict[str, Any]] = {}
    for stage in make_plan(changes).stages:
        if not stage.stored or not store.has(stage.kind, stage.key):
            continue
        folder = results / "artifacts" / stage.kind
        files = [file for file in folder.glob(f"{stage.key}*") if file.is_file()]
        found[stage.key] = {
            "name": str(stage),
            "kind": stage.kind,
            "seconds": store.seconds(stage.kind, stage.key),
            "bytes": sum(file.stat().st_size for file in files),
            "inputs": sorted(key for key in stored_inputs(stage) if key in found),
        }
    return renumbered(found)


def stored_inputs(stage: Any) -> set[str]:
    """Keys of the stored artifacts that a stage reads; what is not stored is made again in a worker."""
    keys: set[str] = set()
    for one in stage.inputs:
        keys |= {one.key} if one.stored else stored_inputs(one)
    return keys


def renumbered(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = {key: number for number, key in enumerate(found)}
    return [
        stage | {"inputs": [numbers[key] for key in stage["inputs"]]} for stage in found.values()
    ]


def powers(few: list[dict[str, Any]], many: list[dict[str, Any]]) -> dict[str, Any]:
    """The powers of the number of models to which seconds and bytes grow, by kind of stage."""
    by_name = {stage["name"]: stage for stage in few}
    ratios: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for stage in many:
        before = by_name.get(stage["name"])
        if before:
            seconds = stage["seconds"] / max(before["seconds"], 1e-6)
            ratios[stage["kind"]].append((seconds, stage["bytes"] / before["bytes"]))
    scale = math.log(MANY / CHUNK)
    return {
        kind: [round(math.log(median(values)) / scale, 3) for values in zip(*pairs, strict=True)]
        for kind, pairs in ratios.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the tasks of a large benchmark")
    parser.add_argument("--results", type=Path, default=Path("results/cluster"))
    parser.add_argument("--json", type=Path, default=RESULTS / "cluster.json")
    arguments = parser.parse_args()
    before = machine()
    compute(arguments.results, settings())
    compute(arguments.results, settings(population=MANY, **GROWTH))
    started = time.perf_counter()
    plan = make_plan(settings(population=256))
    planning = time.perf_counter() - started
    few = stages(settings(), arguments.results)
    many = stages(settings(population=MANY, **GROWTH), arguments.results)
    rows = [[stage[key] for key in ("kind", "seconds", "bytes", "inputs")] for stage in few]
    content = {
        "machine": before,
        "load_after": os.getloadavg(),
        "models": CHUNK,
        "planning_seconds": planning,
        "trials": len(plan.trials),
        "powers": powers(few, many),
        "stages": [[k, float(f"{s:.4g}"), b, i] for k, s, b, i in rows],
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(content) + "\n")
    write(arguments.json, content)


if __name__ == "__main__":
    main()
