"""Processor seconds to read a table and to encode it, with commas and with decimal commas.

    python bench/read_table.py [--rows 100000]

The table has 15 columns: nine of numbers, one of them with gaps, four of words, dates and labels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from privbench.datasets.csv import Csv


def table(rows: int) -> pd.DataFrame:
    """Return a random table."""
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.normal(1000, 300, rows).round(2) for i in range(9)}
    columns["n0"][rng.random(rows) < 0.05] = np.nan
    words = {f"c{i}": rng.choice(["Ayr", "Brno", "Cork", "Delft"], rows) for i in range(4)}
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), "D")
    seen = {"seen": days.strftime("%Y-%m-%d"), "y": rng.choice(["no", "yes"], rows)}
    return pd.DataFrame(columns | words | seen)


def seconds(path: Path) -> float:
    """Return the processor seconds in which a file becomes a dataset."""
    began = time.process_time()
    Csv(path=str(path), label="y", missing="median", dates=("seen",)).load()
    return time.process_time() - began


def main() -> None:
    """Print the seconds of each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    frame = table(parser.parse_args().rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for name, options in (("commas", {}), ("decimal commas", {"sep": ";", "decimal": ","})):
            frame.to_csv(path, index=False, **options)
            seconds(path)  # imports
            print(f"{name}: {seconds(path):.1f} s for {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
