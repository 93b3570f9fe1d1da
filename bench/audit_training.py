"""Time an audit of a random forest, and say which share of the time is not that of the forest.

python bench/audit_training.py --records 10000

Times are of the processor, so that a busy machine does not change them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import privbench
from privbench.auditing import run

SECONDS: Counter[str] = Counter()


@contextmanager
def timed(name: str) -> Iterator[None]:
    started = time.process_time()
    yield
    SECONDS[name] += time.process_time() - started


class Timed:
    """A model whose answers are timed."""

    def __init__(self, model: Any) -> None:
        self.model, self.classes_ = model, model.classes_

    def predict_proba(self, x: pd.DataFrame) -> Any:
        with timed("answers"):
            return self.model.predict_proba(x)


def table(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """n records of 12 numbers and 3 categories, with holes; the label depends on some of them."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 12))
    frame = pd.DataFrame(numbers, columns=[f"number{i}" for i in range(12)])
    for i, size in enumerate((3, 8, 20)):
        frame[f"category{i}"] = rng.integers(0, size, n).astype(str)
    logit = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (frame["category0"] == "1")
    y = pd.Series(np.where(rng.logistic(size=n) < logit, "yes", "no"))
    return frame.mask(rng.random(frame.shape) < 0.05), y


def train(x: pd.DataFrame, y: pd.Series, seed: int) -> Timed:
    """A forest with its preprocessing, which is fitted on the private records."""
    numbers = [name for name in x if name.startswith("number")]
    categories = [name for name in x if name.startswith("category")]
    encode = make_column_transformer(
        (SimpleImputer(), numbers), (OneHotEncoder(handle_unknown="ignore"), categories)
    )
    with timed("training"):
        forest = RandomForestClassifier(100, random_state=seed)
        return Timed(make_pipeline(encode, forest).fit(x, y))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--attack", action="append", default=[], help="default: all")
    parser.add_argument(
        "--plain", action="store_true", help="only numbers, without holes, as label-only takes them"
    )
    arguments = parser.parse_args(argv)
    x, y = table(arguments.records)
    if arguments.plain:
        x = x.filter(like="number").fillna(0.0)
    measure = run.measure

    def measured(models: Any, attack: Any, *others: Any) -> Any:
        with timed(f"attack {attack.name}"):
            return measure(models, attack, *others)

    started, wall = time.process_time(), time.perf_counter()
    with TemporaryDirectory() as folder, patch.object(run, "measure", measured):
        report = privbench.audit_training(
            train, x, y, models=arguments.models, attacks=arguments.attack, results=folder
        )
    wall, total = time.perf_counter() - wall, time.process_time() - started
    print(report)
    attacks = sum(seconds for name, seconds in SECONDS.items() if name.startswith("attack"))
    others = total - attacks - SECONDS["training"] - SECONDS["answers"]
    print(f"\n{arguments.records} records, {arguments.models} models, {os.cpu_count()} cores")
    print(
        f"wall {wall:.0f} s at a load of {os.getloadavg()[0]:.1f}; processor {total:.0f} s, of it"
    )
    for name, seconds in [*SECONDS.most_common(), ("all attacks", attacks), ("the rest", others)]:
        print(f"  {name:24} {seconds:8.1f} s {seconds / total:7.1%}")


if __name__ == "__main__":
    main()
