"""Time of `privbench audit` on made predictions of 10 classes, by the numbers of records and models.

    python bench/audit_predictions.py 10000 100000

For each number of records: one model as arrays and as a table, and 16 models that are each other's
shadows. Prints seconds of the clock and of the processor. `OMP_NUM_THREADS=1` takes one core.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

N_CLASSES = 10
CASES = {
    "1 model, .npz": (1, ".npz"),
    "1 model, .csv": (1, ".csv"),
    "16 models, .npz": (16, ".npz"),
}


def write(path: Path, n_models: int, n_records: int) -> None:
    """Write logits that are a little larger for the label, and more so for members."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, n_records)
    member = rng.random((n_models, n_records)) < 0.5
    logits = rng.normal(size=(n_models, n_records, N_CLASSES)).astype(np.float32)
    logits[:, np.arange(n_records), labels] += 1 + member
    if path.suffix == ".npz":
        np.savez(path, logits=logits, labels=labels, member=member)
        return
    odds = np.exp(logits[0].astype(np.float64))
    table = pd.DataFrame(
        odds / odds.sum(1, keepdims=True), columns=[f"p_{i}" for i in range(N_CLASSES)]
    )
    table.assign(label=labels, member=member[0]).to_csv(path, index=False)


def seconds(path: Path) -> tuple[float, float]:
    """Return the seconds of the clock and of the processor that an audit of a file takes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "privbench", "audit", path], check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, used


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="+", type=int)
    for n_records in parser.parse_args(arguments).records:
        for name, (n_models, suffix) in CASES.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"predictions{suffix}"
                write(path, n_models, n_records)
                clock, processor = seconds(path)
            print(
                f"{n_records:,} records, {name}: {clock:.1f} s, {processor:.1f} s of the processor",
                flush=True,
            )


if __name__ == "__main__":
    main()
