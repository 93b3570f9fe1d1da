"""Fuzz everything that reads what users give: `python -m tests.fuzz --cases 10000 --seed 0`.

Each target runs in a process of its own, whose address space is limited. The exit status is 1 if there
is a finding: an error without a message, a case that takes too long, or memory beyond the bound. The
file of outcomes is written every few hundred cases, and ``--go-on`` goes on where it ends.
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
    parser.add_argument("--go-on", action="store_true", help="with the cases that --output lacks")
    parser.add_argument("--after", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--here", action="store_true", help="in this process, with tracebacks")
    options = parser.parse_args()
    names = options.names or list(TARGETS)
    failed = False
    for name in names:
        if options.here:
            limit_memory(ADDRESSES)
            after = None if options.after is None else Outcome(**options.after)
            outcome = run(
                TARGETS[name], options.cases, options.seed, _show, after=after, on_batch=_print
            ).to_json()
        else:
            outcome = _in_a_process(name, options)
            print(json.dumps(outcome), flush=True)
        failed |= bool(outcome["findings"]) or outcome["mib"] > MEMORY
    return int(failed)


def _in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a target, and write what became of its cases whenever some are done."""
    command = [sys.executable, "-m", "tests.fuzz", name, "--here", "--cases", str(options.cases)]
    command += ["--seed", str(options.seed)]
    outcome = Outcome(name, TARGETS[name].what, options.seed).to_json()
    known = [one for one in _read(options.output) if one["name"] == name] if options.go_on else []
    if known and known[0]["seed"] == options.seed:
        outcome = known[0]
        command += ["--after", json.dumps(outcome)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            outcome = json.loads(line)
            _add(options.output, outcome)
    if process.returncode not in (0, 1):  # a crash of the interpreter, or no memory at all
        what = f"the process ended with status {process.returncode}"
        outcome["findings"] = outcome["findings"] | {what: 1}
        _add(options.output, outcome)
    return outcome


def _print(outcome: Outcome) -> None:
    print(json.dumps(outcome.to_json()), flush=True)


def _read(path: Path | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text()) if path and path.exists() else []
    return found


def _add(path: Path | None, outcome: dict[str, Any]) -> None:
    if path is None:
        return
    kept = [other for other in _read(path) if other["name"] != outcome["name"]]
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
