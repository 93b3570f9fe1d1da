"""Print the outcomes of `make faults` as tables of docs/faults.md."""

from __future__ import annotations

import json
from pathlib import Path

OUTCOMES = Path(__file__).parents[1] / "results" / "bench" / "faults.json"


def print_outcomes(*, earlier: bool = False, path: Path = OUTCOMES) -> None:
    """Print a line for each fault.

    Args:
        earlier: those that were tried before code of plugins ran in worker processes, and not since.
        path: the outcomes.
    """
    print("| Fault | Tries | How they ended | Lost |")
    print("| --- | ---: | --- | --- |")
    for one in json.loads(path.read_text()):
        if one.get("earlier", False) == earlier:
            ended = ", ".join(
                f"{n} {how}" for how, n in sorted(one["ended"].items(), key=lambda pair: -pair[1])
            )
            lost = f"{len(one['lost'])} problems" if one["lost"] else "nothing"
            print(f"| {one['fault']} | {one['tries']} | {ended} | {lost} |")
