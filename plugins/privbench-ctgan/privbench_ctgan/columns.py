"""The columns of a dataset: numbers, and categories with their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench import DataSpec


@dataclass(frozen=True)
class Columns:
    """Which features are numbers, and which encode a category.

    Attributes:
        numeric: features that are numbers.
        blocks: half-open ranges of features, one for each categorical column or binary feature.
    """

    numeric: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, spec: DataSpec) -> Columns:
        """Return the columns of a table or of binary records."""
        if spec.kind == "binary":
            return cls((), tuple((i, i + 1) for i in range(spec.n_features)))
        return cls(spec.numeric_features, spec.categorical_blocks)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of categories of each block."""
        return tuple(max(2, end - first) for first, end in self.blocks)

    def categories(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the categories (n, blocks) of records (n, features)."""
        columns = [
            x[:, first] > 0.5 if end - first == 1 else x[:, first:end].argmax(1)
            for first, end in self.blocks
        ]
        if not columns:
            return np.zeros((len(x), 0), dtype=np.int64)
        return np.stack(columns, axis=1).astype(np.int64)

    def records(
        self, numbers: NDArray[np.floating], categories: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return records (n, features) of numbers (n, numeric) and categories (n, blocks)."""
        n_features = max([-1, *self.numeric, *(end - 1 for _, end in self.blocks)]) + 1
        x = np.zeros((len(numbers), n_features), np.float32)
        x[:, list(self.numeric)] = numbers
        for column, (first, end) in enumerate(self.blocks):
            if end - first == 1:
                x[:, first] = categories[:, column]
            else:
                x[np.arange(len(x)), first + categories[:, column]] = 1
        return x


def why_no_table(spec: DataSpec, name: str) -> str:
    """Return why records are no table; empty if they are."""
    return f"{name} is for tables, and these records are images" if spec.kind == "image" else ""
