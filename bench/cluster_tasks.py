"""Measure the tasks of the benchmark of bench/cluster.toml, for bench/simulate.py.

    python bench/cluster_tasks.py [--results FOLDER] [--json FILE]

Computed are the stages of all defenses on the first dataset and those of the first defense on all
datasets, with 16 models a population. What a results folder has is not computed again. Stages of other
defenses on other datasets are taken to be as many times as long, and as large, as those of the first
defense are there. Written are the seconds and bytes of each stage, what it reads, and the power of the
number of models to which seconds grow, by kind of stage, as privbench forecasts them. Seconds are
processor time on one thread, which do not depend on what else the machine does. Needs
PRIVBENCH_DATA_DIR. It takes 6 minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

from machine import HERE, RESULTS, machine

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.forecast import POWERS
from privbench.hookspecs import hookimpl
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Stage
from privbench.storage.artifacts import Store

CONFIG = HERE / "cluster.toml"
SETTINGS = {"cifar10.train_files": 2}
FIRST = "digits"
MEASURED = ({"datasets": [FIRST]}, {"defenses": ["none"]})
CHUNK = 16
Name = tuple[str, str, str, str]


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


def measured(changes: dict[str, Any], results: Path) -> dict[Name, tuple[float, int]]:
    """Seconds and bytes of each stage that was computed."""
    store, took = Store(results), dict(map(str.split, (results / "seconds.txt").open()))
    found = {}
    for stage in plan_of(changes).stages:
        if stage.stored and stage.key in took:
            files = (store.root / stage.kind).glob(f"{stage.key}*")
            size = sum(file.stat().st_size for file in files if file.is_file())
            found[name_of(stage)] = float(took[stage.key]), size
    return found


def name_of(stage: Stage) -> Name:
    """Kind, attack, dataset and defense of a stage."""
    attack, _, title = stage.title.rpartition(" on ")
    dataset, defense, *_ = title.split("/")
    return stage.kind, attack, dataset, defense


def estimate(name: Name, known: dict[Name, tuple[float, int]]) -> list[float]:
    """Seconds and bytes of a stage, from the same one on the first dataset if it was not measured."""
    kind, attack, dataset, defense = name
    if name in known:
        return list(known[name])
    like = (kind, attack) if (kind, attack, FIRST, "none") in known else ("population", "")
    there, here = known[*like, dataset, "none"], known[*like, FIRST, "none"]
    base = known[kind, attack, FIRST, defense]
    return [
        value * max(t, 1e-3) / max(h, 1e-3) for value, t, h in zip(base, there, here, strict=True)
    ]


def stages(known: dict[Name, tuple[float, int]]) -> list[list[Any]]:
    """Kind, seconds, bytes and inputs of each stage of the benchmark, each after its inputs."""
    rows: dict[str, list[Any]] = {}
    for stage in plan_of({}).stages:
        if stage.stored:
            seconds, size = estimate(name_of(stage), known)
            inputs = sorted(rows[key][-1] for key in stored_inputs(stage))
            place = len(rows)
            rows[stage.key] = [stage.kind, float(f"{seconds:.3g}"), round(size), inputs, place]
    return [row[:-1] for row in rows.values()]


def stored_inputs(stage: Stage) -> set[str]:
    """Keys of the artifacts that a stage reads; what is not stored is made again in a worker."""
    keys: set[str] = set()
    for one in stage.inputs:
        keys |= {one.key} if one.stored else stored_inputs(one)
    return keys


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the tasks of a large benchmark")
    parser.add_argument("--results", type=Path, default=RESULTS.parent / "cluster")
    parser.add_argument("--json", type=Path, default=RESULTS / "cluster.json")
    arguments = parser.parse_args()
    before = machine()
    for changes in MEASURED:
        compute(arguments.results, changes)
    started = time.process_time()
    trials = len(plan_of({"population": 256}).trials)
    planning = time.process_time() - started
    known: dict[Name, tuple[float, int]] = {}
    for changes in MEASURED:
        known |= measured(changes, arguments.results)
    content = {
        "machine": before,
        "models": CHUNK,
        "trials": trials,
        "measured_stages": len(known),
        "planning_seconds": planning,
        "powers": {kind: POWERS.get(kind, 1.0) for kind in sorted({name[0] for name in known})},
        "stages": stages(known),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(content).replace("], [", "],\n [") + "\n")
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
