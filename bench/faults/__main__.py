"""Do to runs whatever may happen to them, at random moments and places, and count what is lost.

    python bench/faults [--tries 1.0] [--only WORD,WORD] [--seed 0] [-o FILE]

Prints a table: the fault, the tries, how they ended, and what was lost. A file (-o) is added to, so that
faults may be tried in pieces. The exit status is 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import audits
import database
import disk
import files
import observers
import outputs
import signals
import together
import workers
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
    workers.killed: 20,
    workers.terminated: 5,
    workers.interrupted: 5,
    workers.interrupted_twice: 5,
    workers.two_runs: 2,
    workers.full: 3,
    workers.worker_killed: 10,
    audits.killed: 30,
    audits.terminated: 10,
    audits.interrupted: 10,
    audits.full: 6,
    audits.damaged: 1,
    audits.together: 6,
}
"""The faults, with the tries of each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=float, default=1.0, help="times as many tries")
    parser.add_argument(
        "--only", default="", help="words, with commas: faults with one in their name"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "-o", "--output", type=Path, help="JSON file of the outcomes, which is added to"
    )
    options = parser.parse_args()
    logging.getLogger("privbench").setLevel(logging.CRITICAL)  # of what is called in this process
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), options.seed)
        for fault, tries in FAULTS.items():
            name = f"{fault.__module__}.{fault.__name__}"
            if not any(word in name for word in options.only.split(",")):
                continue
            began = time.monotonic()
            found = fault(lab, max(1, round(tries * options.tries)))
            for tally in found if isinstance(found, list) else [found]:
                lost += len(tally.lost)
                print(line_of(tally), f"{time.monotonic() - began:.0f} s", flush=True)
                for problem in tally.lost[:5]:
                    print("   ", problem.replace("\n", "\n    "), flush=True)
                if options.output:
                    add(options.output, name, tally)
        lab.close()
    sys.exit(lost > 0)


def line_of(tally: Tally) -> str:
    ended = ", ".join(f"{n} {how}" for how, n in sorted(tally.seen.items(), key=lambda x: -x[1]))
    lost = f"{len(tally.lost)} problems" if tally.lost else "nothing"
    return f"| {tally.fault} | {tally.tries} | {ended} | {lost} |"


def add(path: Path, name: str, tally: Tally) -> None:
    """Add an outcome to a file, in the order of FAULTS, in place of what was there of the same fault."""
    known = json.loads(path.read_text()) if path.exists() else []
    outcome = {
        "name": name,
        "fault": tally.fault,
        "tries": tally.tries,
        "ended": tally.seen,
        "lost": tally.lost,
    }
    known = [
        one
        for one in known
        if one["name"] != name or not (one.get("earlier") or one["fault"] == tally.fault)
    ]
    order = [f"{fault.__module__}.{fault.__name__}" for fault in FAULTS]
    known = sorted([*known, outcome], key=lambda one: order.index(one["name"]))
    path.write_text("[\n" + ",\n".join(json.dumps(one) for one in known) + "\n]\n")


if __name__ == "__main__":
    main()
