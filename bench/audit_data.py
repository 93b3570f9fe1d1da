"""Time of `privbench audit-data` on tables of mixed types, by the number of rows.

    python bench/audit_data.py 10000 100000

For each number n: n rows of train, of the holdout and of the synthetic table, 15 columns (numbers,
words, a column of 900 words, holes). The synthetic table is fresh, a copy of train, or a noisy copy.
Prints seconds of the clock and of the processor, and what the strongest attack finds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

KINDS = ("fresh", "copy", "noisy")


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return n rows of 15 columns."""
    common = rng.normal(size=n)
    table: dict[str, object] = {
        "age": rng.integers(18, 90, n),
        "income": np.round(np.exp(rng.normal(10, 0.5, n) + 0.3 * common), 2),
        "city": rng.choice(list("abcdefgh"), n, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02]),
        "job": rng.choice(["clerk", "nurse", None, "driver"], n),
        "height": np.where(rng.random(n) < 0.1, np.nan, np.round(common, 3)),
        "postcode": [f"P{i:04}" for i in rng.integers(0, 900, n)],
        "children": rng.poisson(1.2, n),
        "owner": rng.random(n) < 0.4,
    }
    for i in range(7):
        table[f"measure {i}"] = np.round(rng.normal(size=n) + 0.5 * common, 3)
    return pd.DataFrame(table)


def noisy(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the rows with noise of half a standard deviation on the numbers, in another order."""
    released = table.iloc[rng.permutation(len(table))].copy()
    for name in released.columns:
        if released[name].dtype.kind == "f":
            released[name] += 0.5 * released[name].std() * rng.normal(size=len(table))
    return released


def measured(folder: Path, n: int, kind: str) -> dict[str, object]:
    """Run the command, and return its times and its strongest attack."""
    rng = np.random.default_rng(0)
    train, holdout = people(n, rng), people(n, rng)
    made = {"fresh": people(n, rng), "copy": train, "noisy": noisy(train, rng)}[kind]
    files = {"train": train, "holdout": holdout, "synthetic": made}
    command = [sys.executable, "-m", "privbench", "audit-data", "--json"]
    for role, table in files.items():
        path = folder / f"{role}.csv"
        table.to_csv(path, index=False)
        command += [f"--{role}", str(path)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(result.stdout)
    name = report["chosen"]
    best = report["attacks"][name]
    return {
        "rows": n,
        "synthetic": kind,
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1
        ),
        "gigabytes": round(after.ru_maxrss / 2**20, 2),
        "strongest": name,
        "auc": best["auc"],
        "auc_ci": best["auc_ci"],
        "tpr_at_1_percent": best["tpr_at_fpr"]["0.01"]["value"],
        "above_chance": best["above_chance"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="+", type=int)
    parser.add_argument("--kind", choices=KINDS, action="append")
    arguments = parser.parse_args()
    for n in arguments.rows:
        for kind in arguments.kind or KINDS:
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(measured(Path(folder), n, kind)), flush=True)


if __name__ == "__main__":
    main()
