"""Print the tables of docs/scaling.md, from the committed measurements of ``make bench-cluster``."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent.parent / "results" / "bench"


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BENCH / f"{name}.json").read_text())
    return content


def _machine(content: dict[str, Any]) -> str:
    machine = content["machine"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, torch {machine['versions']['torch']},"
        f" commit {machine['commit']}, {machine['date']}"
    )


def parts() -> None:
    """Print what the stages of the benchmark take and store, by kind."""
    content = _read("cluster")
    kinds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for kind, seconds, size, _ in content["stages"]:
        kinds[kind].append((seconds, size))
    print(f"{_machine(content)}. {content['measured_stages']} of {len(content['stages'])} stages")
    print("were computed.\n")
    print("| stage | number | seconds | longest | MB | power of models |")
    print("|---|---|---|---|---|---|")
    for kind, values in sorted(kinds.items(), key=lambda item: -sum(s for s, _ in item[1])):
        seconds, sizes = zip(*values, strict=True)
        power = "in parts" if kind == "population" else f"{content['powers'][kind]:g}"
        print(
            f"| {kind} | {len(values)} | {sum(seconds):.1f} | {max(seconds):.2f} |"
            f" {sum(sizes) / 1e6:.1f} | {power} |"
        )
    hosts = _read("ray-hosts")
    print(
        f"\nPlanning {content['trials']:,} trials takes {content['planning_seconds']:.1f} s. The main"
        f" process is busy for {1e3 * sum(hosts['costs'].values()):.0f} ms a task, beside reading and"
        " writing artifacts."
    )


def check() -> None:
    """Print real runs beside simulated ones."""
    content = _read("ray-hosts")
    load = content["machine"]["load"][0]
    start = content["worker_start"]
    print(f"{_machine(content)}, load {load:.0f}. {content['tasks']} tasks of")
    print(f"{content['task_seconds']:.0f} s in all; a worker starts in {start:.0f} s.\n")
    print("| Ray hosts | measured | simulated |\n|---|---|---|")
    for row in content["rows"]:
        print(f"| {row['hosts']} | {row['measured']:.0f} s | {row['simulated']:.0f} s |")


def scaling() -> None:
    """Print how long the benchmark takes on how many GPUs, and what limits it."""
    rows = _read("cluster-scaling")["rows"]
    print(
        "| scenario | artifacts | GPUs | time | longest chain first | GPUs busy | main busy | limit |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        busy, main = (row["bounds_hours"][k] / row["hours"] for k in ("GPUs", "main process"))
        print(
            f"| {row['scenario']} | {row['artifacts']} | {row['gpus']} | {_time(row['hours'])} |"
            f" {_time(row['longest_first_hours'])} | {busy:.0%} | {main:.0%} |"
            f" {row['limit']} |"
        )
    chains = {row["scenario"]: row["longest_chain"] for row in rows}
    print(f"\nIn all, {rows[0]['stored_gb']:.0f} GB are stored. The longest chains:\n")
    for name, chain in chains.items():
        text = ", ".join(f"{kind} {_time(s / 3600)}" for kind, s in chain if s >= 1)
        print(f"- {name}: {text}.")


def _time(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.1f} min"
