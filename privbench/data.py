"""The plain records that travel between the parts of privbench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DataKind = Literal["image", "tabular", "binary"]


@dataclass(frozen=True)
class Column:
    """One column of a table and the features that encode it.

    ``features`` is the half-open range ``(first, end)`` of feature indices: one feature for a numeric
    column, one per category for a categorical one (one-hot, in the order of ``categories``).
    """

    name: str
    type: Literal["numeric", "categorical"]
    features: tuple[int, int]
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSpec:
    """What a component must know about data before it sees a record.

    ``shape`` is the shape of one record: ``(channels, height, width)`` for images, ``(features,)`` else.
    """

    kind: DataKind
    shape: tuple[int, ...]
    n_classes: int
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Data:
    """Labelled records: ``x`` float32 (n, *spec.shape), ``y`` int64 (n,) in ``0..n_classes-1``.

    Images are scaled to [0, 1]; binary features are 0 or 1; numeric columns of tables have zero mean
    and unit variance over the dataset, categorical ones are one-hot.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    spec: DataSpec

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[np.integer]) -> Data:
        """The records at ``indices``, in that order."""
        return Data(self.x[indices], self.y[indices], self.spec)
