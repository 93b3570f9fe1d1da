"""What a large benchmark costs beside its computations: planning, stored runs, tables, memory.

    python bench/scale.py [plan] [stored] [table] [memory] [--json FILE]

Without names it measures all four; each measurement is a process of its own. `table` fills a database of
1,000,000 rows, which takes 4 GB of the folder for temporary files. `memory` has a program of its own
(`bench/memory.py`) for other sizes and for single stages.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.plugins.host import PluginHost
from privbench.stages import walk
from privbench.storage.artifacts import Store

HERE = Path(__file__).parent
TRIALS_A_SEED = 72
"""Trials of the benchmark quickstart: 6 defenses, 6 attacks, adaptive and naive; 3 rows each."""
TINY = (
    "population=4", "pool=60", "public=10", "mlp.hidden=[2]", "mlp.epochs=1", "vae.epochs=1",
    "canaries={ share = 0.2, kinds = ['mislabel', 'permuted'] }", "dp-sgd.batch_size=20",
)  # fmt: skip
"""Overrides with which one seed is computed in seconds."""


def plan_of(seeds: int) -> Any:
    """The plan of the benchmark quickstart with so many seeds, tiny."""
    overrides = Overrides.parse((f"seeds={list(range(seeds))}", *TINY))
    (plan,) = make_plans(["quickstart"], PluginHost(()), overrides=overrides)
    return plan


def fill(results: Path, seeds: int) -> int:
    """Store the artifacts of all stages of many seeds: those of the first are computed, others copied.

    Returns:
        The number of trials.
    """
    run_plan(plan_of(1), PluginHost(()), results=results, device="cpu")
    store, plan = Store(results), plan_of(seeds)

    def stages(seed: int) -> list[Any]:
        chosen = [trial for trial in plan.trials if trial.seed == seed]
        return [s for s in walk(r for t in chosen for r in t.results) if s.stored]

    first = stages(0)
    loaded = [store.load(stage.kind, stage.key) for stage in first]
    for seed in range(1, seeds):
        for stage, artifact in zip(stages(seed), loaded, strict=True):
            assert artifact is not None
            store.save(stage.kind, stage.key, artifact, seconds=1.0, provenance=stage.provenance)
    return len(plan.trials)


def fill_database(path: Path, rows: int) -> int:
    """Repeat the first run of a database until it has so many rows, and return its number of runs."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    of_runs, of_rows = (
        [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
        for table in ("runs", "rows")
    )
    runs, rest = ", ".join(of_runs[1:]), ", ".join(of_rows[1:])
    n_rows, n_runs = 0, 1
    while n_rows < rows:
        copy = f"INSERT INTO runs ({runs}) SELECT {runs} FROM runs WHERE id = 1"
        number = database.execute(copy).lastrowid
        copy = (
            f"INSERT INTO rows (run_id, {rest}) SELECT {number}, {rest} FROM rows WHERE run_id = 1"
        )
        n_rows += database.execute(copy).rowcount
        n_runs += 1
    database.commit()
    database.close()
    return n_runs


def privbench(*arguments: str) -> dict[str, float]:
    """Run a command of privbench, and return its seconds and its seconds of processor time."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "privbench", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": time.perf_counter() - started, "cpu_seconds": used}


def measure_plan(trials: int) -> dict[str, Any]:
    """Plan so many trials, and list their stages."""
    started = time.perf_counter()
    plan = plan_of(round(trials / TRIALS_A_SEED))
    planned = time.perf_counter() - started
    return {"trials": len(plan.trials), "stages": len(plan.stages), "seconds": planned}


def measure_stored(trials: int) -> dict[str, Any]:
    """Run trials that are all stored."""
    seeds = round(trials / TRIALS_A_SEED)
    sets = [f"--set={text}" for text in (f"seeds={list(range(seeds))}", *TINY)]
    with tempfile.TemporaryDirectory() as folder:
        filled = fill(Path(folder), seeds)
        return {"trials": filled, **privbench("run", "quickstart", "--results", folder, *sets)}


def measure_table(rows: int) -> dict[str, Any]:
    """Print a table and the list of runs, of a database with so many rows in runs of 216."""
    with tempfile.TemporaryDirectory() as folder:
        run_plan(plan_of(1), PluginHost(()), results=folder, device="cpu")
        n_runs = fill_database(Path(folder) / "results.sqlite", rows)
        results = ("--results", folder)
        return {
            "rows": rows,
            "runs": n_runs,
            "table": privbench("table", "quickstart", *results),
            "table --run": privbench("table", "--run", str(n_runs // 2), *results),
            "runs list": privbench("runs", *results),
            "help": privbench("--help"),
        }


def measure_memory(models: int) -> dict[str, Any]:
    """Run attacks on so many models of 8,000 pool records and 30 classes, beside the forecast."""
    from memory import ATTACKS, measure

    return measure(models, 8000, list(ATTACKS))


MEASURED = {
    "plan": (measure_plan, (1_000, 10_000, 100_000)),
    "table": (measure_table, (1_000_000,)),
    "stored": (measure_stored, (1_000, 10_000)),
    "memory": (measure_memory, (16, 64)),
}


def measured(name: str, size: int) -> dict[str, Any]:
    """Measure in a process of its own, and return also the most memory that it had in use."""
    command = [sys.executable, __file__, "--measure", name, str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="cost of large benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURED))
    parser.add_argument("--json", type=Path, default=HERE.parent / "results/bench/scale.json")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, size = arguments.measure
        found = MEASURED[name][0](int(size))
        found["process_cpu_seconds"] = time.process_time()
        found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    from machine import machine, write  # it loads torch, which planning does without

    before, content = machine(), dict[str, Any]()
    if arguments.json.exists():
        content = json.loads(arguments.json.read_text())
    for name in arguments.names or MEASURED:
        content[name] = []
        for size in MEASURED[name][1]:
            content[name].append(measured(name, size))
            print(name, json.dumps(content[name][-1]), flush=True)
        write(arguments.json, content | {"machine": before, "load_after": os.getloadavg()})


if __name__ == "__main__":
    main()
