"""Measure the tasks of the benchmark of bench/cluster.toml, for bench/simulate.py.

    python bench/cluster_tasks.py [--only DATASETS] [--results FOLDER] [--json FILE]

All stages are computed with 16 models a population, and those of a few defenses on one dataset with
64. What a results folder has is not computed again. Written are the seconds and bytes of each stage,
what it reads, and the power of the number of models to which these grow, by kind of stage. Seconds are
processor time on one thread, which do not depend on what else the machine does. Needs
PRIVBENCH_DATA_DIR. It takes 20 minutes on one core; with --only, the stages on some datasets are
computed and nothing is written, so that the rest can be computed at the same time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

from machine import HERE, RESULTS, machine

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.hookspecs import hookimpl
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Stage
from privbench.storage.artifacts import Store

CONFIG = HERE / "cluster.toml"
SETTINGS = {"cifar10.train_files": 2}
GROWTH = {"datasets": ["digits"], "defenses": ["none", "top-k", "vae-metric"], "population": 64}
"""What is measured with more models as well."""
CHUNK = 16


class Clock:
    """Appends to a file what each stage took, as an observer of a run."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.start = 0.0

    @hookimpl
    def stage_started(self, stage: Stage) -> None:
        self.start = _processor_seconds()

    @hookimpl
    def stage_finished(self, stage: Stage, status: str, seconds: float) -> None:
        if status == "ok":
            with self.file.open("a") as file:
                file.write(f"{stage.key} {_processor_seconds() - self.start}\n")


def _processor_seconds() -> float:
    return sum(os.times()[:4])  # with those of worker processes that have ended


def plan_of(changes: dict[str, Any]) -> Plan:
    settings = dict(changes)
    if "cifar10" in settings.get("datasets", ["cifar10"]):
        settings |= SETTINGS
    return make_plans(["cluster"], PluginHost(), config=CONFIG, overrides=Overrides(settings))[0]


def compute(results: Path, changes: dict[str, Any]) -> None:
    """Run the benchmark, or what of it is not stored."""
    host = PluginHost()
    results.mkdir(parents=True, exist_ok=True)
    host.observe(Clock(results / "seconds.txt"))
    run_plan(plan_of(changes), host, results=results, device="cpu")


def stages(changes: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """What each stage that is stored took, stored and reads, each after its inputs."""
    store, took = Store(results), dict(map(str.split, (results / "seconds.txt").open()))
    found: dict[str, dict[str, Any]] = {}
    for stage in plan_of(changes).stages:
        if not stage.stored or stage.key not in took:
            continue
        files = [file for file in (store.root / stage.kind).glob(f"{stage.key}*") if file.is_file()]
        found[stage.key] = {
            "name": str(stage),
            "kind": stage.kind,
            "seconds": float(f"{float(took[stage.key]):.3g}"),
            "bytes": sum(file.stat().st_size for file in files),
            "inputs": sorted(list(found).index(key) for key in stored_inputs(stage)),
        }
    return list(found.values())


def stored_inputs(stage: Stage) -> set[str]:
    """Keys of the artifacts that a stage reads; what is not stored is made again in a worker."""
    keys: set[str] = set()
    for one in stage.inputs:
        keys |= {one.key} if one.stored else stored_inputs(one)
    return keys


def powers(few: list[dict[str, Any]], many: list[dict[str, Any]]) -> dict[str, list[float]]:
    """The powers of the number of models to which seconds and bytes grow, by kind of stage."""
    by_name = {stage["name"]: stage for stage in few}
    ratios: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for stage in many:
        before = by_name[stage["name"]]
        seconds = max(stage["seconds"], 0.01) / max(before["seconds"], 0.01)  # a tick of the clock
        ratios[stage["kind"]].append((seconds, stage["bytes"] / before["bytes"]))
    scale = math.log(GROWTH["population"] / CHUNK)
    return {
        kind: [round(math.log(median(values)) / scale, 2) for values in zip(*pairs, strict=True)]
        for kind, pairs in ratios.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the tasks of a large benchmark")
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--results", type=Path, default=RESULTS.parent / "cluster")
    parser.add_argument("--json", type=Path, default=RESULTS / "cluster.json")
    arguments = parser.parse_args()
    before = machine()
    if arguments.only:
        return compute(arguments.results, {"datasets": arguments.only})
    compute(arguments.results, {})
    compute(arguments.results, GROWTH)
    started = time.process_time()
    trials = len(plan_of({"population": 256}).trials)
    planning = time.process_time() - started
    few, many = (stages(changes, arguments.results) for changes in ({}, GROWTH))
    content = {
        "machine": before,
        "models": CHUNK,
        "trials": trials,
        "planning_seconds": planning,
        "powers": powers(few, many),
        "stages": [[stage[k] for k in ("kind", "seconds", "bytes", "inputs")] for stage in few],
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(content).replace("], [", "],\n [") + "\n")
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
