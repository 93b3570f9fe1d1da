"""Fuzz everything that reads what users give: `python -m tests.fuzz --cases 10000 --seed 0`.

Each target runs in a process of its own, whose address space is limited. The exit status is 1 if there
is a finding: an error without a message, a case that takes too long, or memory beyond the bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz.running import Outcome, limit_memory, run
from tests.fuzz.targets import TARGETS

MEMORY = 1024
"""MiB that reading one hostile file may take beyond what the program has anyway."""
ADDRESSES = 6.0
"""GiB of address space of a process; libraries reserve most of it and never use it."""


def main() -> int:
    """Run the targets and write what became of their cases."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="JSON file of the outcomes, which is added to")
    parser.add_argument("--here", action="store_true", help="in this process, with tracebacks")
    options = parser.parse_args()
    names = options.names or list(TARGETS)
    failed = False
    for name in names:
        if options.here:
            limit_memory(ADDRESSES)
            outcome = run(TARGETS[name], options.cases, options.seed, _show).to_json()
        else:
            outcome = _in_a_process(name, options)
        failed |= bool(outcome["findings"]) or outcome["mib"] > MEMORY
        print(json.dumps(outcome), flush=True)
        if options.output is not None:
            _add(options.output, outcome)
    return int(failed)


def _in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.fuzz", name, "--here", "--cases", str(options.cases)]
    command += ["--seed", str(options.seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode not in (0, 1) or not lines:
        # A crash of the interpreter, or no memory at all.
        outcome = Outcome(name, TARGETS[name].what, options.seed)
        outcome.findings[f"the process ended with status {done.returncode}"] = 1
        return outcome.to_json()
    loaded: dict[str, Any] = json.loads(lines[-1])
    return loaded


def _add(path: Path, outcome: dict[str, Any]) -> None:
    known = json.loads(path.read_text()) if path.exists() else []
    kept = [other for other in known if other["name"] != outcome["name"]]
    order = list(TARGETS)
    kept.append({**outcome, "slowest": round(outcome["slowest"], 1)})
    kept.sort(key=lambda one: order.index(one["name"]))
    path.write_text("[\n" + ",\n".join(json.dumps(one) for one in kept) + "\n]\n")


_seen: set[str] = set()


def _show(error: BaseException, case: Any) -> None:
    """Print the traceback of a finding, the first time that its place is met."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}"
    if place not in _seen:
        _seen.add(place)
        text = "".join(traceback.format_exception(error)[-4:])
        print(f"{text[-1500:]}\ncase: {repr(case)[:400]}\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
