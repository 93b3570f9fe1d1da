"""Print the outcomes of `make fuzz` as a table of docs/hostile-input.md."""

from __future__ import annotations

import json
from pathlib import Path

OUTCOMES = Path(__file__).parents[1] / "results" / "bench" / "fuzz.json"
HEADS = (
    "input",
    "target",
    "cases",
    "read",
    "refused",
    "findings",
    "memory",
    "slowest case",
)


def print_outcomes(path: Path = OUTCOMES) -> None:
    """Print a line for each target that has been run."""
    print(f"| {' | '.join(HEADS)} |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: |")
    for one in json.loads(path.read_text()):
        findings = sum(one["findings"].values())
        print(
            f"| {one['what']} | `{one['name']}` | {one['cases']:,} | {one['accepted']:,}"
            f" | {one['refused']:,} | {findings} | {one['mib']} MiB | {one['slowest']:.1f} s |"
        )
