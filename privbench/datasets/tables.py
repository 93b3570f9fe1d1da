"""Encode tables: standardise numeric columns, and one-hot encode categorical columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from privbench.data import Column, Data, DataSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def table_data(frame: pd.DataFrame, categorical: Collection[str], y: NDArray[np.int64]) -> Data:
    """Encode the columns of ``frame`` as features, in their order.

    Args:
        frame: The columns, without the label.
        categorical: Columns to encode as one-hot, with categories sorted as text. All others are
            standardised.
        y: Labels (n,) in 0..k-1.
    """
    import numpy as np

    blocks: list[NDArray[np.float32]] = []
    columns: list[Column] = []
    first = 0
    for name in frame.columns:
        if name in categorical:
            block, categories = one_hot(frame[name])
            column = Column(name, "categorical", (first, first + len(categories)), categories)
        else:
            block = standardise(frame[[name]].to_numpy(np.float64))
            column = Column(name, "numeric", (first, first + 1))
        blocks.append(block)
        columns.append(column)
        first += block.shape[1]
    spec = DataSpec("tabular", (first,), n_classes=int(y.max()) + 1, columns=tuple(columns))
    return Data(np.concatenate(blocks, axis=1), y, spec)


def is_finite_float32(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are finite numbers in float32."""
    import numpy as np

    result: NDArray[np.bool_] = np.abs(values) <= np.finfo(np.float32).max
    return result


def standardise(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale columns (n, d) to zero mean and unit variance; constant columns become zeros."""
    import numpy as np

    values = values.astype(np.float64)
    scale = values.std(axis=0)
    # Rounding may give equal numbers a standard deviation above zero.
    scale[values.min(axis=0) == values.max(axis=0)] = np.inf
    result: NDArray[np.float32] = ((values - values.mean(axis=0)) / scale).astype(np.float32)
    return result


def one_hot(values: pd.Series) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return one feature per category (n, categories), and the categories, sorted as text."""
    import numpy as np
    import pandas as pd

    codes, categories = pd.factorize(values.astype(str), sort=True)
    block = np.zeros((len(codes), len(categories)), np.float32)
    block[np.arange(len(codes)), codes] = 1
    return block, tuple(map(str, categories))
