"""Rare categories, merged into one before pairs are measured: most of their counts would be noise.

McKenna, Miklau, Sheldon 2021, arXiv 2108.04978, section 3.3. What is rare is decided by noisy counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from privbench_marginals.measuring import Measurement
from privbench_marginals.table import Ints, Table

FROM_NOISE = 3.0
"""A category stays if its noisy count is this many standard deviations of the noise, or more."""


@dataclass(frozen=True)
class Merging:
    """For each column the new number (categories,) of each category; equal numbers are merged."""

    numbers: tuple[Ints, ...]

    @classmethod
    def none(cls, sizes: Sequence[int]) -> Merging:
        """Return the merging that leaves all categories."""
        return cls(tuple(np.arange(size) for size in sizes))

    @classmethod
    def of(cls, one_way: Sequence[Measurement]) -> Merging:
        """Return the merging of rare categories, given a measurement of each column in order."""
        return cls(tuple(_numbers(m.counts >= FROM_NOISE * m.sd) for m in one_way))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of categories of each column that are left."""
        return tuple(int(numbers.max()) + 1 for numbers in self.numbers)

    def table(self, table: Table) -> Table:
        """Return a table of merged categories."""
        columns = [numbers[table.records[:, i]] for i, numbers in enumerate(self.numbers)]
        return Table(np.stack(columns, axis=1), self.sizes)

    def measurement(self, measured: Measurement) -> Measurement:
        """Return the measurement of a column with its categories merged.

        The sum of k noisy counts has sqrt(k) times the noise, and is divided by this.
        """
        (column,) = measured.columns
        numbers = self.numbers[column]
        weights = 1 / np.sqrt(np.bincount(numbers))
        counts = np.bincount(numbers, weights=measured.counts) * weights
        return replace(measured, counts=counts, weights=weights)

    def split(self, records: Ints, rng: np.random.Generator) -> Ints:
        """Return records with one of the merged categories each, drawn uniformly."""
        columns = []
        for column, numbers in enumerate(self.numbers):
            order = np.argsort(numbers, kind="stable")
            sizes = np.bincount(numbers)
            first = np.cumsum(sizes) - sizes
            drawn = records[:, column]
            within = (rng.random(len(records)) * sizes[drawn]).astype(np.int64)
            columns.append(order[first[drawn] + within])
        return np.stack(columns, axis=1)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the numbers as arrays."""
        return {f"merged.{column}": numbers for column, numbers in enumerate(self.numbers)}

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[np.generic]], sizes: Sequence[int]) -> Merging:
        """Rebuild a merging from its state."""
        stored = (np.asarray(state[f"merged.{column}"]) for column in range(len(sizes)))
        return cls(tuple(numbers.astype(np.int64) for numbers in stored))


def _numbers(kept: NDArray[np.bool_]) -> Ints:
    """Number the categories that are kept; all others share the last number."""
    return np.where(kept, np.cumsum(kept) - 1, kept.sum()).astype(np.int64)
