"""Records of each kind of data, and the context of their guarantees."""

from __future__ import annotations

import numpy as np

from privbench.data import Column, Data, DataSpec
from privbench.privacy import GuaranteeContext

IMAGE = DataSpec("image", (1, 4, 4), 3)


BINARY = DataSpec("binary", (9,), 3)


ONE_HOT = DataSpec(
    "tabular",
    (5,),
    3,
    (
        Column("a", "categorical", (0, 2), ("x", "y")),
        Column("b", "categorical", (2, 5), ("x", "y", "z")),
    ),
)


MIXED = DataSpec(
    "tabular",
    (3,),
    3,
    (Column("a", "numeric", (0, 1)), Column("b", "categorical", (1, 3), ("x", "y"))),
)


UNKNOWN = DataSpec("tabular", (3,), 3)


def records(spec, n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((n, *spec.shape), dtype=np.float32)
    return Data(x, rng.integers(0, spec.n_classes, n), spec)


def context(spec):
    return GuaranteeContext(spec, 100, None, "none")
