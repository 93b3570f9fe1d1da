"""Run one benchmark on 1 to 4 Ray hosts, and compare with what bench/simulate.py says.

    python bench/ray_hosts.py [--json FILE]      # as root: hosts are network namespaces of this machine

Each host has a Ray node with one core. The attacks of the benchmark wait, as tasks that compute on a
GPU leave the cores idle, so that four hosts can be measured on fewer cores. The run on one host says
how long each stage takes; from these times the simulation says how long runs on 2 to 4 hosts take.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

from machine import HERE, RESULTS, machine, write
from simulate import Cluster, Simulation, Task

sys.path.insert(0, str(HERE.parent / "plugins" / "privbench-ray" / "tests"))

HOSTS = (1, 2, 3, 4)
PLUGIN = '''
import time
import privbench


class Waiting(privbench.Attack):
    """Waits before it scores a model."""

    name = "waiting"
    number: int = 0

    def score(self, view):
        time.sleep({seconds})
        return view.target.log_prob_of(view.labels) * (1 + self.number)


@privbench.hookimpl
def register_attacks(register):
    register(Waiting)
'''
BENCHMARK = """
[benchmarks.waiting]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [16], epochs = 2, batch_size = 32 }]
defenses = ["none"]
attacks = [{ name = "waiting", number = [0, 1, 2, 3, 4, 5, 6, 7] }]
knowledge = ["adaptive"]
population = 4
pool = 300
canaries = 0
"""
SECONDS = 0.2  # that an attack waits for each model that it scores


def drive(address: str, folder: Path) -> None:
    """Run the benchmark on the cluster at an address, and print what it took."""
    from cluster_tasks import stored_inputs

    from privbench.api import make_plans, make_runner
    from privbench.plugins.host import PluginHost

    host = PluginHost([str(folder / "waiting.py")])
    (plan,) = make_plans(["waiting"], host, config=folder / "b.toml")
    results = folder / "results"
    runner = make_runner(
        plan, host, results=results, device="cpu", executor=f"ray[address={address}]"
    )
    started, cpu = time.perf_counter(), time.process_time()
    rows = runner.run()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert all(row["status"] == "ok" for row in rows), rows
    stages: dict[str, list[Any]] = {}
    for stage in plan.stages:
        if stage.stored and runner.store.has(stage.kind, stage.key):
            inputs = sorted(list(stages).index(key) for key in stored_inputs(stage))
            stages[stage.key] = [stage.kind, runner.store.seconds(stage.kind, stage.key), inputs]
    print(json.dumps({"seconds": seconds, "main_cpu": cpu, "stages": list(stages.values())}))


def measure(n: int) -> dict[str, Any]:
    """Run the benchmark on n hosts."""
    from hosts import Hosts

    with tempfile.TemporaryDirectory() as name, Hosts(n) as hosts:
        folder = Path(name)
        (folder / "waiting.py").write_text(PLUGIN.format(seconds=SECONDS))
        (folder / "b.toml").write_text(BENCHMARK)
        command = [sys.executable, __file__, "--drive", hosts.address, str(folder)]
        driver = hosts.popen(0, *command, stdout=subprocess.PIPE)
        output = driver.communicate()[0].decode()
        if driver.returncode:
            raise SystemExit(f"the run on {n} hosts failed: {output}")
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found


def simulated(stages: list[list[Any]], n: int, costs: dict[str, float], start: float) -> float:
    """Seconds that the simulation says."""
    tasks = [Task(kind, seconds, 0.0, tuple(inputs)) for kind, seconds, inputs in stages]
    return Simulation(tasks, Cluster({"core": n}, worker_start=start, **costs)).run().seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="compare real hosts with the simulation")
    parser.add_argument("--json", type=Path, default=RESULTS / "ray-hosts.json")
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        return drive(arguments.drive[0], Path(arguments.drive[1]))
    before, runs = machine(), {}
    for n in HOSTS:
        runs[n] = measure(n)
        print(f"{n} hosts: {runs[n]['seconds']:.1f} s", flush=True)
    stages = runs[1]["stages"]
    per_task = sum(run["main_cpu"] for run in runs.values()) / len(runs) / len(stages)
    costs = {"hand_out": per_task / 2, "take": per_task / 2}
    work = sum(seconds for _, seconds, _ in stages)
    # On one host there is no other way than one after another: what is left is the start of the worker.
    start = max(runs[1]["seconds"] - work - per_task * len(stages), 0.0)
    rows = [
        {"hosts": n, "measured": run["seconds"], "simulated": simulated(stages, n, costs, start)}
        for n, run in runs.items()
    ]
    for row in rows:
        print("{hosts} hosts: {measured:6.1f} s, simulated {simulated:6.1f} s".format(**row))
    write(
        arguments.json,
        {
            "machine": before,
            "load_after": os.getloadavg(),
            "tasks": len(stages),
            "task_seconds": work,
            "worker_start": start,
            "costs": costs,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
