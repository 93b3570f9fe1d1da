"""The memory that a run takes by its population and its pool, stage by stage, beside the forecast.

    python bench/memory.py                                  # 64 models, a pool of 8,000: about a minute
    python bench/memory.py --models 256 --pool 20000        # the full size
    python bench/memory.py --attack auto --attack lira      # other attacks than loss, lira and rmia
    python bench/memory.py --models 256 --pool 20000 --attack loss --until metrics    # its first stages

Records are random, of 30 classes; the model is logistic regression with one epoch. Memory is what the
process has allocated (on Linux: its anonymous pages), looked at 50 times a second. Pages of files that
are mapped, such as stored outputs, are not counted, since the system takes them back when it needs
memory; ``resident`` counts them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from privbench import hookimpl
from privbench.api import make_plans, make_runner
from privbench.computation import missing_stages
from privbench.executors.local import Local
from privbench.memory import forecast_memory
from privbench.plugins.host import PluginHost
from privbench.storage.artifacts import Store

HERE = Path(__file__).parent
CLASSES, FEATURES = 30, 8
ATTACKS = ("loss", "lira", "rmia")
TOML = """
[benchmarks.memory]
datasets = [{{ name = "npz", path = "{folder}/data.npz" }}]
models = [{{ name = "logistic", epochs = 1, batch_size = 256 }}]
defenses = ["none", "noisy"]
attacks = {attacks}
knowledge = ["adaptive", "naive"]
population = {models}
pool = {pool}
canaries = 0
[defenses.noisy]
mechanisms = ["output-noise"]
"""
EVERY = 0.02
"""Seconds between two looks at the memory."""
NOT_COMPARED = ("seconds", "run", "time", "started", "peak", "versions", "hardware", "keys")


def own_bytes() -> int:
    """Return the bytes of memory that this process has allocated and touched."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(status[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))


class Watch:
    """An observer that notes the most memory while each kind of stage was computed."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self._stage = "before the first stage"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(EVERY):
            stage = self._stage
            self.peaks[stage] = max(self.peaks.get(stage, 0), own_bytes())

    @hookimpl
    def stage_started(self, stage: Any) -> None:
        """Note which stage is computed."""
        attack = getattr(stage, "attack", None)
        self._stage = stage.kind if attack is None else f"{stage.kind} {attack.name}"


class Until(Local):
    """Computes one task after another, until a stage of some kind has been computed."""

    name = "until"
    kind_of_last: str = ""

    def execute(self, tasks: Any) -> None:
        """Compute the tasks in the order of the plan, and leave the rest out."""
        while tasks.unfinished:
            for task in tasks.ready(1):
                tasks.run(task)
                if task.title.split()[0] == self.kind_of_last:
                    return


def digest_of(rows: list[dict[str, Any]]) -> str:
    """Return a digest of all numbers of rows that do not depend on the time and the machine."""
    kept = [
        {k: v for k, v in row.items() if not any(word in k for word in NOT_COMPARED)}
        for row in rows
    ]
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]


def measure(models: int, pool: int, attacks: list[str], until: str = "") -> dict[str, Any]:
    """Run, in this process, and return the most memory in MiB.

    Args:
        models: models of the population.
        pool: records whose membership is attacked.
        attacks: names of attacks.
        until: the kind of the stage after which the run ends; empty for the whole run.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, pool + pool // 5)
    x = rng.normal(size=(len(y), FEATURES)) + 0.1 * y[:, None]
    with tempfile.TemporaryDirectory(dir=HERE.parent) as name:  # /tmp may be in memory
        folder, config = Path(name), Path(name) / "benchmarks.toml"
        np.savez(folder / "data.npz", x=x.astype(np.float32), y=y)
        del x, y
        config.write_text(
            TOML.format(folder=folder, models=models, pool=pool, attacks=json.dumps(attacks))
        )
        host, watch = PluginHost(()), Watch()
        host.observe(watch)
        (plan,) = make_plans(["memory"], host, config=config)
        peak = forecast_memory(plan, missing_stages(plan, Store(folder)))
        start = time.perf_counter()
        with watch:
            runner = make_runner(plan, host, results=folder, device="cpu")
            runner.executor = Until(kind_of_last=until)
            rows = runner.run()
        seconds = time.perf_counter() - start
    statuses = {row["status"] for row in rows}
    assert until or statuses == {"ok"}, statuses
    return {
        "models": models,
        "pool": pool,
        "attacks": attacks,
        "until": until,
        "forecast_mib": peak.bytes / 2**20,
        "allocated_mib": max(watch.peaks.values()) / 2**20,
        "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "peaks_mib": {stage: peak / 2**20 for stage, peak in watch.peaks.items()},
        "seconds": seconds,
        "rows": "" if until else digest_of(rows),
    }


def main() -> None:
    """Measure in a process of its own, print and write."""
    parser = argparse.ArgumentParser(description="memory of a run")
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--pool", type=int, default=8000)
    parser.add_argument("--attack", action="append", help="default: " + ", ".join(ATTACKS))
    parser.add_argument("--until", default="", metavar="KIND", help="the last kind of stage")
    parser.add_argument("--json", type=Path, help="write the numbers to this file as well")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    attacks = arguments.attack or list(ATTACKS)
    if arguments.here:
        print(json.dumps(measure(arguments.models, arguments.pool, attacks, arguments.until)))
        return
    command = [sys.executable, __file__, *sys.argv[1:], "--here"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for stage, peak in found["peaks_mib"].items():
        print(f"{peak:10,.0f} MiB  {stage}")
    print(json.dumps({name: value for name, value in found.items() if name != "peaks_mib"}))
    if arguments.json:
        from machine import machine, write

        write(arguments.json, {**found, "machine": machine(), "load_after": os.getloadavg()})


if __name__ == "__main__":
    main()
