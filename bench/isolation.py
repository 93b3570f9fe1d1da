"""Time what a worker process for third-party code costs a run (docs/executors.md).

    python bench/isolation.py

A benchmark with an attack and a defense of a plugin is run with ``--in-process`` and without, in turn,
each time by a new process and in a new results folder. Seconds of processors, over all processes, hardly
depend on what else the machine does; seconds of a clock do.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import RESULTS, machine, write

PLUGIN = '''
import privbench


class Certainty(privbench.Attack):
    """Log-probability of the predicted class."""

    name = "certainty"

    def score(self, view):
        return view.target.log_prob_of(view.target.predicted)


class Coarse(privbench.DataMechanism):
    """Rounds the records."""

    name = "coarse"

    def apply(self, data, rng):
        return privbench.Data(data.x.round(1), data.y, data.spec)


@privbench.hookimpl
def register_attacks(register):
    register(Certainty)


@privbench.hookimpl
def register_mechanisms(register):
    register(Coarse)
'''
BENCHMARK = """
[defenses.coarse]
mechanisms = ["coarse"]

[benchmarks.isolation]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [64], epochs = 10 }]
defenses = ["none", "coarse"]
attacks = ["loss", "certainty"]
knowledge = ["adaptive"]
population = 8
canaries = 0
"""


def seconds(folder: Path, results: str, *options: str) -> tuple[float, float]:
    """Return how long a run takes as a command, by a clock and of all processors."""
    command = [
        *(sys.executable, "-m", "privbench", "run", "isolation", "-p", "mine.py", "--json"),
        *("--device", "cpu", "--results", results, *options),
    ]
    start, before = time.perf_counter(), used()
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PRIVBENCH_IN_PROCESS": ""},
    )  # fmt: skip
    return time.perf_counter() - start, used() - before


def used() -> float:
    """Return the processor seconds of all commands so far, and of what they have started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Time both in turn, and write every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS / "isolation.json")
    arguments = parser.parse_args()
    measured: dict[str, list[tuple[float, float]]] = {"in process": [], "isolated": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mine.py").write_text(PLUGIN)
        (folder / "benchmarks.toml").write_text(BENCHMARK)
        seconds(folder, "warm")
        for number in range(arguments.rounds):
            measured["in process"].append(seconds(folder, f"a{number}", "--in-process"))
            measured["isolated"].append(seconds(folder, f"b{number}"))
    pairs = list(zip(*measured.values(), strict=True))
    facts: dict[str, Any] = {"machine": machine(), "seconds": measured}
    for position, what in enumerate(("clock", "processors")):
        facts[what] = {
            "in process": median(here[position] for here, _ in pairs),
            "price": median(isolated[position] - here[position] for here, isolated in pairs),
            "ratio": median(isolated[position] / here[position] for here, isolated in pairs),
        }
    write(arguments.output, facts)
    for what in ("clock", "processors"):
        print(what, {name: round(value, 2) for name, value in facts[what].items()})


if __name__ == "__main__":
    main()
