"""The first table of a fresh process: how long it takes, and where the time goes.

    python bench/first_table.py [--repeat 3] [--models 17] [--old FOLDER] [--json FILE]

The workload of bench/pipeline.py: LiRA and RMIA on Location-30, a pool of 4,000, without stored results.
In each round one fresh process of each kind runs, in turn:

- `privbench run` of this code, which attacks every model, with intervals and audits;
- with ``--old``, `privbench run` of the code in another folder, such as a checkout of an earlier commit;
- bench/plain_loop.py, which attacks one model: a plain PyTorch loop as that of LeakPro's examples.

Reported are medians of seconds of the clock, and of the processor, which do not depend on what else the
machine does; and the median of the ratios within a round. Needs PRIVBENCH_DATA_DIR.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import HERE, RESULTS, machine, write

BENCHMARK = """
[benchmarks.first]
datasets = ["location30"]
models = [{{ name = "mlp", hidden = [128], epochs = 20, batch_size = 64, lr = 0.1 }}]
defenses = ["none"]
attacks = ["lira", "rmia"]
population = {models}
pool = 4000
canaries = 0
"""
WATCH = """
import json, os, time
from privbench import hookimpl

FILE = os.environ["PRIVBENCH_BENCH_EVENTS"]

def note(event):
    with open(FILE, "a") as file:
        file.write(json.dumps([event, time.time(), sum(os.times()[:4])]) + "\\n")

note("commands and plugins")

@hookimpl
def run_started(plan, needed):
    note("plan, data and torch")

@hookimpl
def stage_started(stage):
    note("other")

@hookimpl
def stage_finished(stage, status, seconds):
    note(stage.kind)

@hookimpl
def run_finished(rows):
    note("other")
"""
PHASES = {
    "population": "training",
    "outputs": "outputs of models",
    "scores": "attacks",
    "left-out": "attacks",
    "split-scores": "attacks",
    "utility": "metrics",
    "metrics": "metrics",
    "records": "metrics",
    "audit": "metrics",
    "output-traits": "metrics",
    "warnings": "metrics",
}
Seconds = dict[str, tuple[float, float]]
"""Seconds of the clock and of the processor, by phase; "whole" is the process."""


def timed(command: list[str], code: Path, **environment: str) -> tuple[float, float, float]:
    """Run a command with the code in a folder.

    Returns:
        When it started, and its seconds of the clock and of the processor.
    """
    environment = os.environ | environment | {"PYTHONPATH": str(code)}
    before, started, clock = used(), time.time(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=code)
    return started, time.perf_counter() - clock, used() - before


def used() -> float:
    """Return the seconds of the processor that children have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def privbench(code: Path, models: int) -> Seconds:
    """Return the seconds of `privbench run` of the code in a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "benchmarks.toml").write_text(BENCHMARK.format(models=models))
        (folder / "watch.py").write_text(WATCH)
        events = folder / "events.jsonl"
        command = [sys.executable, "-m", "privbench", "run", "first"]
        command += ["-c", str(folder / "benchmarks.toml"), "-p", str(folder / "watch.py")]
        command += ["--results", str(folder / "results")]
        started, clock, processor = timed(command, code, PRIVBENCH_BENCH_EVENTS=str(events))
        lines = [json.loads(line) for line in events.read_text().splitlines()]
    return {"whole": (clock, processor)} | by_phase(lines, started, clock, processor)


def by_phase(lines: list[Any], started: float, clock: float, processor: float) -> Seconds:
    """Return the seconds of each phase, given events with their times at the end of a phase."""
    seconds: Seconds = {}
    at, spent = started, 0.0
    for event, now, total in [*lines, ("other", started + clock, processor)]:
        phase = PHASES.get(event, event)
        so_far = seconds.get(phase, (0.0, 0.0))
        seconds[phase] = (so_far[0] + now - at, so_far[1] + total - spent)
        at, spent = now, total
    return seconds


def plain_loop(models: int) -> Seconds:
    """Return the seconds of the plain PyTorch loop."""
    command = [sys.executable, str(HERE / "plain_loop.py"), "--models", str(models)]
    _, clock, processor = timed(command, HERE.parent)
    return {"whole": (clock, processor)}


def medians(rounds: list[Seconds]) -> dict[str, dict[str, float]]:
    """Return the medians of the phases: seconds of the clock and of the processor."""
    return {
        phase: {
            "clock": median(one[phase][0] for one in rounds),
            "processor": median(one[phase][1] for one in rounds),
        }
        for phase in rounds[0]
    }


def ratio(slower: list[Seconds], faster: list[Seconds], which: int) -> float:
    """Return the median over rounds of how many times the seconds of ``faster`` the others are."""
    pairs = zip(slower, faster, strict=True)
    return median(one["whole"][which] / other["whole"][which] for one, other in pairs)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time the first table of a fresh process")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--models", type=int, default=17, help="one target and its shadows")
    parser.add_argument("--old", type=Path, help="a folder with other code, to compare with")
    parser.add_argument("--json", type=Path, default=RESULTS / "first_table.json")
    arguments = parser.parse_args()
    if arguments.repeat < 1:
        parser.error(f"--repeat {arguments.repeat}: must be 1 or more")
    if arguments.models < 4:
        parser.error(f"--models {arguments.models}: must be 4 or more")
    if arguments.old and not (arguments.old / "privbench" / "__main__.py").is_file():
        parser.error(f"--old {arguments.old}: there is no privbench in this folder")
    if "PRIVBENCH_DATA_DIR" not in os.environ:
        parser.error("PRIVBENCH_DATA_DIR: needed for Location-30, and not set")
    return arguments


def main() -> None:
    arguments = parse()
    before = machine()
    kinds = {"privbench": lambda: privbench(HERE.parent, arguments.models)}
    if arguments.old:
        old = arguments.old.resolve()
        kinds["old"] = lambda: privbench(old, arguments.models)
    kinds["plain loop"] = lambda: plain_loop(arguments.models)
    taken: dict[str, list[Seconds]] = {kind: [] for kind in kinds}
    for _ in range(arguments.repeat):
        for kind, run in kinds.items():
            taken[kind].append(run())
            clock, processor = taken[kind][-1]["whole"]
            print(f"{kind:12} {clock:6.1f} s, {processor:6.1f} s of the processor", flush=True)
    middle = {kind: medians(rounds) for kind, rounds in taken.items()}
    ratios = {
        kind: {
            name: ratio(rounds, taken["privbench"], which)
            for which, name in enumerate(("clock", "processor"))
        }
        for kind, rounds in taken.items()
        if kind != "privbench"
    }
    for kind, phases in middle.items():
        for phase, of_phase in phases.items():
            print(f"{kind:12} {phase:22} {of_phase['clock']:7.2f} {of_phase['processor']:7.2f}")
    for kind, times in ratios.items():
        print(
            f"{kind}: {times['clock']:.1f} times the seconds of privbench,"
            f" {times['processor']:.1f} times those of the processor"
        )
    content = {"machine": before, "load_after": os.getloadavg(), "models": arguments.models}
    content |= {"threads": os.environ.get("OMP_NUM_THREADS", "all")}
    write(arguments.json, {**content, "taken": taken, "medians": middle, "ratios": ratios})


if __name__ == "__main__":
    main()
