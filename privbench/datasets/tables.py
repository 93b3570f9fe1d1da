"""Encode tables: numeric columns as they are, and categorical columns as one-hot."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from privbench.data import Column, Data, DataSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Scale: TypeAlias = Literal["reference", "all"]
SCALE = "records that scale the numeric columns; over all of them no guarantee covers the scaling"
"""Describes the parameter ``scale`` of datasets."""


def table_data(
    frame: pd.DataFrame,
    categorical: Collection[str],
    y: NDArray[np.int64],
    scale: Scale = "reference",
) -> Data:
    """Encode the columns of ``frame`` as features, in their order.

    Args:
        frame: The columns, without the label. Numbers may be missing.
        categorical: Columns to encode as one-hot, with categories sorted as text.
        y: Labels (n,) in 0..k-1.
        scale: With ``reference``, other columns stay as they are, and each split scales them. With
            ``all``, they are scaled here, and gaps become medians.
    """
    import numpy as np

    blocks: list[NDArray[np.float32]] = []
    columns: list[Column] = []
    first = 0
    has_gaps = False
    for name in frame.columns:
        if name in categorical:
            block, categories = one_hot(frame[name])
            column = Column(name, "categorical", (first, first + len(categories)), categories)
        else:
            values = frame[[name]].to_numpy(np.float64)
            block = standardise(values) if scale == "all" else values.astype(np.float32)
            has_gaps |= bool(np.isnan(block).any())
            column = Column(name, "numeric", (first, first + 1))
        blocks.append(block)
        columns.append(column)
        first += block.shape[1]
    spec = DataSpec(
        "tabular",
        (first,),
        n_classes=int(y.max()) + 1,
        columns=tuple(columns),
        scaled_by=scale,
        has_gaps=has_gaps,
    )
    return Data(np.concatenate(blocks, axis=1), y, spec)


def is_finite_float32(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are finite numbers in float32."""
    import numpy as np

    result: NDArray[np.bool_] = np.abs(values) <= np.finfo(np.float32).max
    return result


def standardise(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale columns (n, d) to zero mean and unit variance; constant columns become zeros.

    A missing number becomes the median of its column.
    """
    import numpy as np

    values = values.astype(np.float64)
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
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
