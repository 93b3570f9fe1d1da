"""Time what a worker process for third-party code costs a run (docs/executors.md).

    python bench/isolation.py

A benchmark with an attack and a defense of a plugin is run with ``--in-process`` and without, in turn,
each time by a new process and in a new results folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
models = [{ name = "mlp", hidden = [64], epochs = 30 }]
defenses = ["none", "coarse"]
attacks = ["loss", "certainty"]
knowledge = ["adaptive"]
population = 16
canaries = 0
"""


def seconds(folder: Path, results: str, *options: str) -> float:
    """Return how long a run takes as a command."""
    command = [
        *(sys.executable, "-m", "privbench", "run", "isolation", "-p", "mine.py", "--json"),
        *("--device", "cpu", "--results", results, *options),
    ]
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PRIVBENCH_IN_PROCESS": ""},
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    """Time both in turn, and write every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, default=RESULTS / "isolation.json")
    arguments = parser.parse_args()
    measured: dict[str, list[float]] = {"in process": [], "isolated": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mine.py").write_text(PLUGIN)
        (folder / "benchmarks.toml").write_text(BENCHMARK)
        seconds(folder, "warm")
        for number in range(arguments.rounds):
            measured["in process"].append(seconds(folder, f"a{number}", "--in-process"))
            measured["isolated"].append(seconds(folder, f"b{number}"))
    pairs = list(zip(*measured.values(), strict=True))
    facts = {
        "machine": machine(),
        "seconds": measured,
        "price": statistics.median(isolated - here for here, isolated in pairs),
        "ratio": statistics.median(isolated / here for here, isolated in pairs),
    }
    write(arguments.output, facts)
    medians = {what: round(statistics.median(values), 2) for what, values in measured.items()}
    print(f"seconds: {medians}; price {facts['price']:.2f} s, ratio {facts['ratio']:.2f}")


if __name__ == "__main__":
    main()
