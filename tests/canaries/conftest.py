"""Small pools of each kind of data."""

import numpy as np
import pytest

from privbench.data import Column, Data, DataSpec

TABLE = (
    Column("age", "numeric", (0, 1)),
    Column("colour", "categorical", (1, 4), ("blue", "green", "red")),
    Column("height", "numeric", (4, 5)),
    Column("size", "categorical", (5, 7), ("large", "small")),
)


@pytest.fixture
def pool():
    """Make a pool of ``n`` records; ``kind`` is that of the data."""

    def make(kind, n=400, n_classes=4):
        rng = np.random.default_rng(n)
        y = rng.integers(0, n_classes, n)
        if kind == "image":
            spec = DataSpec("image", (3, 4, 4), n_classes)
            x = rng.random((n, *spec.shape))
        elif kind == "binary":
            spec = DataSpec("binary", (60,), n_classes)
            x = rng.random((n, 60)) < 0.1
        else:
            spec = DataSpec("tabular", (7,), n_classes, TABLE)
            colour = np.eye(3)[rng.choice(3, n, p=[0.2, 0.7, 0.1])]
            size = np.eye(2)[rng.integers(0, 2, n)]
            numbers = rng.normal(size=(n, 2))
            x = np.hstack([numbers[:, :1], colour, numbers[:, 1:], size])
        return Data(x.astype(np.float32), y, spec)

    return make
