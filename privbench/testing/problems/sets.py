"""Small data sets: a table of numbers and categories, binary records, and images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from privbench.data import Column, Data, DataSpec
from privbench.testing.findings import NotApplicable

CLASSES = 3
TABLE = DataSpec(
    "tabular",
    (7,),
    CLASSES,
    (
        *(Column(name, "numeric", (i, i + 1)) for i, name in enumerate("abcd")),
        Column("e", "categorical", (4, 7), ("x", "y", "z")),
    ),
)
BINARY = DataSpec("binary", (10,), CLASSES)
IMAGES = DataSpec("image", (1, 12, 12), CLASSES)
SPECS = (TABLE, BINARY, IMAGES)


def make_data(spec: DataSpec, n: int, seed: int, *, apart: float = 1.5) -> Data:
    """Draw records with labels.

    Args:
        spec: one of `SPECS`.
        n: number of records.
        seed: that of all draws; the classes are the same for all seeds.
        apart: distance between the means of two classes, in standard deviations.
    """
    rng = np.random.default_rng([seed, 3])
    y = rng.integers(0, spec.n_classes, n)
    means = apart * np.eye(spec.n_classes, spec.n_features)[:, :: -1 if spec.kind == "image" else 1]
    if spec.kind == "image":  # a class is a bright band of rows
        bands = np.arange(spec.n_features) * spec.n_classes // spec.n_features
        means = apart * (bands == np.arange(spec.n_classes)[:, None])
    x = means[y] + rng.normal(size=(n, spec.n_features))
    if spec.kind == "binary":
        x = (x > apart / 2).astype(float)
    elif spec.kind == "image":
        x = 1 / (1 + np.exp(-x))
    for first, end in spec.categorical_blocks:
        x[:, first:end] = np.eye(end - first)[rng.integers(0, end - first, n)]
    return Data(x.reshape(n, *spec.shape).astype(np.float32), y.astype(np.int64), spec)


def first_supported(skip: Callable[[DataSpec], object], name: str) -> DataSpec:
    """Return the first of `SPECS` that a component does not skip.

    Raises:
        NotApplicable: it skips all of them; the message has its reasons.
    """
    from privbench.components.checks import checked_reason

    reasons = []
    for spec in SPECS:
        reason = checked_reason(skip(spec), name)
        if not reason:
            return spec
        reasons.append(reason)
    raise NotApplicable(f"it skips all data of the suite: {'; '.join(dict.fromkeys(reasons))}")
