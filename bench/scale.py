"""What a large benchmark costs beside its computations: planning, stored runs, tables, memory.

    python bench/scale.py [--only plan|stored|table|memory] [--json FILE]

Each measurement is a process of its own, with its seconds and its largest resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write

TRIALS_A_SEED = 72
"""Trials of the benchmark quickstart: 6 defenses, 6 attacks, adaptive and naive; 3 rows each."""
TINY = (
    "population=4", "pool=60", "public=10", "mlp.hidden=[2]", "mlp.epochs=1", "vae.epochs=1",
    "canaries={ share = 0.2, kinds = ['mislabel', 'permuted'] }", "dp-sgd.batch_size=20",
)  # fmt: skip
"""Overrides with which one seed is computed in seconds."""


def plan_of(seeds: int) -> Any:
    """The plan of the benchmark quickstart with so many seeds, tiny."""
    from privbench.api import make_plans
    from privbench.config import Overrides
    from privbench.plugins.host import PluginHost

    overrides = Overrides.parse((f"seeds={list(range(seeds))}", *TINY))
    (plan,) = make_plans(["quickstart"], PluginHost(()), overrides=overrides)
    return plan


def planning(trials: int) -> dict[str, Any]:
    """Plan so many trials, and list their stages."""
    started = time.perf_counter()
    plan = plan_of(round(trials / TRIALS_A_SEED))
    took = time.perf_counter() - started
    return {"trials": len(plan.trials), "stages": len(plan.stages), "seconds": took}


def fill(results: Path, seeds: int) -> int:
    """Store the artifacts of all stages of many seeds: those of the first are computed, others copied.

    Returns:
        The number of trials.
    """
    from privbench.api import run_plan
    from privbench.plugins.host import PluginHost
    from privbench.stages import walk
    from privbench.storage.artifacts import Store

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


def privbench(*arguments: str) -> float:
    """Run a command of privbench, and return its seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "privbench", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def stored_run(results: Path, seeds: int) -> dict[str, Any]:
    """Run trials that are all stored."""
    sets = [f"--set={text}" for text in (f"seeds={list(range(seeds))}", *TINY)]
    took = privbench("run", "quickstart", "--results", str(results), *sets)
    return {"trials": seeds * TRIALS_A_SEED, "seconds": took}
