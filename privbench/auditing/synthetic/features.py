"""Encode tables of mixed types as features, on which distances mean something.

1. A number is divided by the standard deviation of the reference records, so that a generator that makes
   up large numbers does not shrink the others. A hole is the median, and has a feature of its own.
2. A word is one feature for each word (one-hot); a hole is a word of its own.
3. Of a column with more than `MAX_WORDS` words, each word is a pseudo-random point on the unit sphere,
   drawn from its letters: equal words are at distance 0, and others at about the same distance as in 2.

Two different words add 2 to a squared distance, as two numbers do on average.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.synthetic.tables import is_words
from privbench.data import Column, Data, DataSpec

if TYPE_CHECKING:
    import pandas as pd

Floats32 = NDArray[np.float32]

MAX_WORDS = 32
"""Largest number of words with a feature each, and the number of features otherwise."""
MAX_SIZE = 1e4
"""Numbers further from the median, in standard deviations, are moved there: squares must be finite."""
HOLE = "\0"
"""The word that stands for a hole; no file has it."""


@dataclass(frozen=True)
class Numbers:
    """The encoding of a column of numbers."""

    name: str
    median: float
    scale: float
    has_holes: bool

    @classmethod
    def fit(cls, name: str, reference: pd.Series, has_holes: bool) -> Numbers:
        """Fit median and scale; a column that is constant in the reference keeps its unit."""
        known = reference.dropna().to_numpy()
        if not len(known):
            return cls(name, 0.0, 1.0, has_holes)
        spread = float(known.std())
        is_constant = known.min() == known.max() or not np.isfinite(spread)
        return cls(name, float(np.median(known)), 1.0 if is_constant else spread, has_holes)

    @property
    def width(self) -> int:
        """Number of features."""
        return 1 + self.has_holes

    def __call__(self, values: pd.Series) -> Floats32:
        """Return features (n, width)."""
        hole = values.isna().to_numpy()
        x = np.where(hole, 0.0, (values.to_numpy() - self.median) / self.scale)
        x = np.clip(x, -MAX_SIZE, MAX_SIZE)
        features = [x, hole] if self.has_holes else [x]
        return np.stack(features, axis=1).astype(np.float32)

    def column(self, first: int) -> list[Column]:
        """Return the description of the features, which begin at ``first``."""
        found = [Column(self.name, "numeric", (first, first + 1))]
        if self.has_holes:
            found.append(Column(f"{self.name} is missing", "numeric", (first + 1, first + 2)))
        return found


@dataclass(frozen=True)
class Words:
    """The encoding of a column of words."""

    name: str
    words: tuple[str, ...]
    """Sorted; empty if there are too many for a feature each."""

    @classmethod
    def fit(cls, name: str, tables: Iterable[pd.Series]) -> Words:
        """Find the words that occur in any table."""
        found = set[str]().union(*(set(values.fillna(HOLE)) for values in tables))
        return cls(name, tuple(sorted(found)) if len(found) <= MAX_WORDS else ())

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.words) or MAX_WORDS

    def __call__(self, values: pd.Series) -> Floats32:
        """Return features (n, width), of which each row has length 1."""
        texts = values.fillna(HOLE)
        if self.words:
            codes = np.searchsorted(np.array(self.words, dtype=object), texts.to_numpy(object))
            features: Floats32 = np.eye(self.width, dtype=np.float32)[codes]
            return features
        from pandas.util import hash_array

        hashed = hash_array(texts.to_numpy(object), categorize=True)
        bits = (hashed[:, None] >> np.arange(MAX_WORDS, dtype=np.uint64)) & np.uint64(1)
        signs: Floats32 = ((2.0 * bits - 1.0) / np.sqrt(MAX_WORDS)).astype(np.float32)
        return signs

    def column(self, first: int) -> list[Column]:
        """Return the description of the features, which begin at ``first``."""
        if not self.words:
            span = range(first, first + self.width)
            return [Column(f"{self.name} {i - first}", "numeric", (i, i + 1)) for i in span]
        return [Column(self.name, "categorical", (first, first + self.width), self.words)]


@dataclass(frozen=True)
class Encoder:
    """Turns tables of `alike` into records."""

    columns: tuple[Numbers | Words, ...]

    @classmethod
    def fit(cls, reference: pd.DataFrame, tables: list[pd.DataFrame]) -> Encoder:
        """Fit scales to reference records, and find words and holes in all tables."""
        columns: list[Numbers | Words] = []
        for name in reference.columns:
            if is_words(reference[name]):
                columns.append(Words.fit(name, (table[name] for table in tables)))
            else:
                has_holes = any(table[name].isna().any() for table in tables)
                columns.append(Numbers.fit(name, reference[name], has_holes))
        return cls(tuple(columns))

    @property
    def spec(self) -> DataSpec:
        """What the features are; all records have the same label."""
        described: list[Column] = []
        first = 0
        for one in self.columns:
            described += one.column(first)
            first += one.width
        return DataSpec("tabular", (first,), 1, tuple(described))

    def __call__(self, table: pd.DataFrame) -> Data:
        """Return the records of a table."""
        blocks = [one(table[one.name]) for one in self.columns]
        x = np.ascontiguousarray(np.concatenate(blocks, axis=1))
        return Data(x, np.zeros(len(x), np.int64), self.spec)
