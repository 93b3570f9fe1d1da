"""Records as tables of categories, and back.

Nothing here depends on the private records: categories come from the description of the dataset, and the
bins of numeric columns are equal intervals of a declared range. privbench scales numeric columns by
the public reference records, to mean 0 and standard deviation 1, so a range in these units is
a choice that is made without a look at the records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench import Data, DataSpec

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Records (n, columns) of categories, each column with ``sizes`` many."""

    records: Ints
    sizes: tuple[int, ...]

    def count(self, columns: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the marginal of columns: the number of records in each of its cells, flattened."""
        cells = np.zeros(len(self.records), dtype=np.int64)
        size = 1
        for column in columns:
            cells = cells * self.sizes[column] + self.records[:, column]
            size *= self.sizes[column]
        return np.bincount(cells, minlength=size).astype(np.float64)


@dataclass(frozen=True)
class Coding:
    """How records are tables: one column per categorical block, feature or number, the label last.

    Args:
        spec: the dataset.
        bins: bins of each numeric column.
        span: the range of numeric columns is [-span, span]; what lies outside falls into the first or
            last bin.
    """

    spec: DataSpec
    bins: int
    span: float

    @property
    def numeric(self) -> tuple[int, ...]:
        """The features that are numbers."""
        return self.spec.numeric_features

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """The half-open ranges of features that encode a category; one feature if it is binary."""
        if self.spec.kind == "binary":
            return tuple((i, i + 1) for i in range(self.spec.n_features))
        return self.spec.categorical_blocks

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of categories of each column: blocks, numbers, label."""
        blocks = (max(2, end - first) for first, end in self.blocks)
        return (*blocks, *(self.bins for _ in self.numeric), self.spec.n_classes)

    def to_table(self, data: Data) -> Table:
        """Return records as a table."""
        x = data.x.reshape(len(data), -1)
        columns = [
            x[:, first] > 0.5 if end - first == 1 else x[:, first:end].argmax(1)
            for first, end in self.blocks
        ]
        inner = np.linspace(-self.span, self.span, self.bins + 1)[1:-1]
        columns += [np.digitize(x[:, feature], inner) for feature in self.numeric]
        return Table(np.stack([*columns, data.y], axis=1).astype(np.int64), self.sizes)

    def to_data(self, records: Ints, rng: np.random.Generator) -> Data:
        """Return the records of a table; a number is drawn uniformly from its bin."""
        x = np.zeros((len(records), self.spec.n_features), np.float32)
        for column, (first, end) in enumerate(self.blocks):
            if end - first == 1:
                x[:, first] = records[:, column]
            else:
                x[np.arange(len(records)), first + records[:, column]] = 1
        width = 2 * self.span / self.bins
        for column, feature in enumerate(self.numeric, start=len(self.blocks)):
            x[:, feature] = (records[:, column] + rng.random(len(records))) * width - self.span
        return Data(x.reshape(len(records), *self.spec.shape), records[:, -1], self.spec)
