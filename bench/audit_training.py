"""Time an audit of a random forest, and say what share of the time is privbench's own.

python bench/audit_training.py --records 10000
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import privbench
from privbench.auditing.training import population


def table(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """n records of 12 numbers and 3 categories, with holes; the label depends on some of them."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 12))
    frame = pd.DataFrame(numbers, columns=[f"number{i}" for i in range(12)])
    for i, size in enumerate((3, 8, 20)):
        frame[f"category{i}"] = rng.integers(0, size, n).astype(str)
    logit = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (frame["category0"] == "1")
    y = pd.Series(np.where(rng.logistic(size=n) < logit, "yes", "no"))
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    return frame, y


def train(x: pd.DataFrame, y: pd.Series, seed: int) -> object:
    """A forest with its preprocessing, which is fitted on the private records."""
    numbers = [name for name in x if name.startswith("number")]
    categories = [name for name in x if name.startswith("category")]
    encode = make_column_transformer(
        (SimpleImputer(), numbers), (OneHotEncoder(handle_unknown="ignore"), categories)
    )
    return make_pipeline(encode, RandomForestClassifier(100, random_state=seed)).fit(x, y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--attack", action="append", default=[])
    arguments = parser.parse_args()
    x, y = table(arguments.records)
    with TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        report = privbench.audit_training(
            train, x, y, models=arguments.models, jobs=arguments.jobs, results=folder,
            attacks=arguments.attack,
        )  # fmt: skip
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        stored = population.Store(Path(folder))
        notes = (Path(folder) / "artifacts" / population.KIND).glob("*.json")
        asking = sum(stored.info(population.KIND, note.stem)["asking"] for note in notes)
    print(report)
    training = report.training.seconds
    print(
        f"\n{arguments.records} records, {arguments.models} models, jobs {arguments.jobs},"
        f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: {wall:.0f} s wall, {cpu:.0f} s of"
        f" processor in this process; training {training:.0f} s, answers {asking:.0f} s, the rest"
        f" (attacks, intervals, storage) {wall - (training + asking) / arguments.jobs:.0f} s"
    )


if __name__ == "__main__":
    main()
