"""A small table: a category, a number that depends on it, and a label that depends on both."""

import numpy as np

from privbench import Column, Data, DataSpec

SPEC = DataSpec(
    "tabular",
    (4,),
    2,
    (Column("a", "categorical", (0, 3), ("x", "y", "z")), Column("b", "numeric", (3, 4))),
)


def records(n, seed=0):
    """Return ``n`` records."""
    rng = np.random.default_rng(seed)
    category = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    number = (category - 0.7) * 1.2 + 0.3 * rng.standard_normal(n)
    y = (number > 0).astype(np.int64)
    return Data(np.hstack([np.eye(3)[category], number[:, None]]).astype(np.float32), y, SPEC)
