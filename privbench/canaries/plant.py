"""Make canaries of some of the pool records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.canaries.kinds import CanaryKind
from privbench.data import Data
from privbench.seeds import generator

NEIGHBOURS = 5
"""Number of nearest neighbours whose mean distance makes an outlier."""
BLOCK = 2**24
"""Number of distances to compute at a time."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Planted:
    """A pool with canaries.

    Attributes:
        pool: the altered pool, of the same size.
        kind: str (n_pool,), the kind of each canary; empty for ordinary records.
        always: bool (n_pool,), the ordinary records that every model must be trained on: those that
            twins are copies of.
    """

    pool: Data
    kind: NDArray[np.str_]
    always: NDArray[np.bool_]


def plant_canaries(
    pool: Data, share: float, names: Any, kinds: Sequence[CanaryKind] = ("mislabel",)
) -> Planted:
    """Make canaries of a share of the pool records, about equally many of each kind.

    Outliers are the records with the largest mean distance to their nearest neighbours in the pool. All
    other canaries take the place of records that are drawn uniformly from the rest.

    Args:
        pool: the records.
        share: the share of the pool that becomes canaries.
        names: determine the random draws.
        kinds: the kinds, each once. `obstacle` must allow them.
    """
    rng = generator("canaries", names)
    counts = kind_counts(round(share * len(pool)), kinds)
    kind = np.full(len(pool), "", dtype=f"<U{max(map(len, kinds))}")
    if "outlier" in counts:
        kind[outliers(pool.x, counts.pop("outlier"))] = "outlier"
    chosen = rng.choice(np.flatnonzero(kind == ""), size=sum(counts.values()), replace=False)
    kind[chosen] = np.repeat(list(counts), list(counts.values()))
    x, y, always = pool.x.copy(), pool.y.copy(), np.zeros(len(pool), dtype=bool)
    for name in counts:
        rows = chosen[kind[chosen] == name]
        if name == "twin":
            copied = rng.choice(np.flatnonzero(kind == ""), size=len(rows), replace=False)
            always[copied] = True
            x[rows], y[rows] = pool.x[copied], _wrong_labels(rng, pool, copied)
        else:
            x[rows], y[rows] = ALTERATIONS[name](rng, pool, rows)
    return Planted(Data(x, y, pool.spec), kind, always)


def kind_counts(n_canaries: int, kinds: Sequence[CanaryKind]) -> dict[CanaryKind, int]:
    """Divide canaries among kinds: about equally, the first kinds get one more.

    >>> kind_counts(5, ["mislabel", "twin"])
    {'mislabel': 3, 'twin': 2}
    """
    each, more = divmod(n_canaries, len(kinds))
    return {kind: each + (i < more) for i, kind in enumerate(kinds)}


def outliers(x: Floats, n: int) -> Ints:
    """Return the ``n`` records with the largest mean distance to their nearest neighbours.

    Args:
        x: (records, *shape).
        n: the number of records to return, the farthest first.
    """
    flat = x.reshape(len(x), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    neighbours = min(NEIGHBOURS, len(flat) - 1)
    distance = np.empty(len(flat))
    step = max(1, BLOCK // len(flat))
    for start in range(0, len(flat), step):
        part = slice(start, start + step)
        between = squares[part, None] + squares - 2 * flat[part] @ flat.T
        between[np.arange(len(between)), np.arange(len(flat))[part]] = np.inf  # the record itself
        nearest = np.partition(between, neighbours - 1, axis=1)[:, :neighbours]
        distance[part] = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return np.argsort(-distance, kind="stable")[:n]


Altered = tuple[Floats, Ints]
"""The features and labels of canaries."""


def _wrong_labels(rng: np.random.Generator, pool: Data, rows: Ints) -> Ints:
    """Draw a label for each of some pool records, uniform over the other classes."""
    n_classes = pool.spec.n_classes
    wrong: Ints = (pool.y[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
    return wrong


def _mislabel(rng: np.random.Generator, pool: Data, rows: Ints) -> Altered:
    return pool.x[rows], _wrong_labels(rng, pool, rows)


def _blank(rng: np.random.Generator, pool: Data, rows: Ints) -> Altered:
    """Return records in which nothing varies; each differs from the others.

    - Images: one random color (gray level) everywhere.
    - Binary records: zeros but for one feature, of which all canaries have different ones as long as
      there are enough.
    - Tables: all numbers are equal, a standard normal draw, since columns have zero mean and unit
      variance; categorical columns have the most frequent category of the pool.
    """
    spec, n = pool.spec, len(rows)
    x = np.zeros((n, *spec.shape), dtype=np.float32)
    if spec.kind == "image":
        x += rng.random((n, spec.shape[0], 1, 1), dtype=np.float32)
    elif spec.kind == "binary":
        x[np.arange(n), np.resize(rng.permutation(spec.n_features), n)] = 1
    else:
        x[:, spec.numeric_features] = rng.standard_normal((n, 1))
        for first, end in spec.categorical_blocks:
            x[:, first + pool.x[:, first:end].sum(axis=0).argmax()] = 1
    return x, rng.integers(0, spec.n_classes, n)


def _out_of_distribution(rng: np.random.Generator, pool: Data, rows: Ints) -> Altered:
    """Return records whose features are independent and uniform.

    - Images: pixels between 0 and 1.
    - Binary records: fair coins.
    - Tables: numbers between the smallest and largest of their column, categories equally likely.
    """
    spec, shape = pool.spec, (len(rows), *pool.spec.shape)
    if spec.kind == "binary":
        x = rng.integers(0, 2, shape).astype(np.float32)
    else:
        x = rng.random(shape, dtype=np.float32)
    if spec.kind == "tabular":
        low, high = pool.x.min(axis=0), pool.x.max(axis=0)
        x = low + x * (high - low)
        for first, end in spec.categorical_blocks:
            x[:, first:end] = np.eye(end - first)[rng.integers(0, end - first, len(rows))]
    return x, rng.integers(0, spec.n_classes, len(rows))


def _permuted(rng: np.random.Generator, pool: Data, rows: Ints) -> Altered:
    """Return records each of whose features, or categorical columns, is that of another record."""
    column = np.arange(pool.spec.n_features)
    for first, end in pool.spec.categorical_blocks:
        column[first:end] = first
    shift = rng.integers(1, len(pool), (len(rows), len(column)))[:, column]
    source = (rows[:, None] + shift) % len(pool)
    flat = pool.x.reshape(len(pool), -1)
    x = np.take_along_axis(flat, source, axis=0)
    return x.reshape(len(rows), *pool.spec.shape), pool.y[rows]


def _inverted(rng: np.random.Generator, pool: Data, rows: Ints) -> Altered:
    """Return records with bits and pixels x replaced by 1 - x, and numbers x of a table by -x."""
    x = pool.x[rows]
    return (-x if pool.spec.kind == "tabular" else 1 - x), pool.y[rows]


ALTERATIONS: dict[CanaryKind, Callable[[np.random.Generator, Data, Ints], Altered]] = {
    "mislabel": _mislabel,
    "blank": _blank,
    "out-of-distribution": _out_of_distribution,
    "permuted": _permuted,
    "inverted": _inverted,
}
"""Makes canaries of the pool records at some rows, for the kinds that need nothing else."""
