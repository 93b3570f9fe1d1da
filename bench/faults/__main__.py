"""Do to runs whatever may happen to them, at random moments and places, and count what is lost.

    python bench/faults [--tries 1.0] [--only WORD,WORD] [--seed 0] [-o FILE]

Prints a table: the fault, the tries, how they ended, and what was lost. The exit status is 1 if
anything was.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import database
import disk
import files
import observers
import outputs
import signals
import together
from harness import Lab, Tally

FAULTS: dict[Callable[[Lab, int], Tally | list[Tally]], int] = {
    signals.killed: 60,
    signals.terminated: 20,
    signals.hung_up: 20,
    signals.interrupted: 25,
    signals.interrupted_twice: 30,
    signals.mixed: 15,
    disk.full: 12,
    disk.limited: 10,
    disk.removed: 12,
    disk.read_only: 1,
    disk.locked_in_mid_run: 6,
    disk.foreign: 1,
    together.two_runs: 6,
    together.three_runs: 6,
    together.locked: 4,
    together.clock_jumps: 6,
    files.artifacts: 2,
    files.permissions: 3,
    database.damaged: 640,
    database.older: 1,
    database.newer: 3,
    observers.observers: 11,
    observers.hanging: 6,
    outputs.full_disks: 10,
    outputs.early_readers: 9,
}
"""The faults, with the tries of each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=float, default=1.0, help="times as many tries")
    parser.add_argument(
        "--only", default="", help="words, with commas: faults with one in their name"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to write the table to")
    options = parser.parse_args()
    logging.getLogger("privbench").setLevel(logging.CRITICAL)  # of what is called in this process
    tallies = []
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), options.seed)
        for fault, tries in FAULTS.items():
            name = f"{fault.__module__}.{fault.__name__}"
            if not any(word in name for word in options.only.split(",")):
                continue
            began = time.monotonic()
            found = fault(lab, max(1, round(tries * options.tries)))
            for tally in found if isinstance(found, list) else [found]:
                tallies.append(tally)
                print(line_of(tally), f"{time.monotonic() - began:.0f} s", flush=True)
                for problem in tally.lost[:5]:
                    print("   ", problem.replace("\n", "\n    "), flush=True)
        lab.close()
    if options.output:
        options.output.write_text(table(tallies))
    sys.exit(any(tally.lost for tally in tallies))


def line_of(tally: Tally) -> str:
    ended = ", ".join(f"{n} {how}" for how, n in sorted(tally.seen.items(), key=lambda x: -x[1]))
    lost = f"{len(tally.lost)} problems" if tally.lost else "nothing"
    return f"| {tally.fault} | {tally.tries} | {ended} | {lost} |"


def table(tallies: list[Tally]) -> str:
    heads = "| Fault | Tries | How they ended | Lost |\n| --- | ---: | --- | --- |\n"
    lost = sum(len(tally.lost) for tally in tallies) or "nothing"
    total = f"| all | {sum(tally.tries for tally in tallies)} | | {lost} |\n"
    return heads + "\n".join(map(line_of, tallies)) + "\n" + total


if __name__ == "__main__":
    main()
