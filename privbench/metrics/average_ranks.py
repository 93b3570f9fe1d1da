"""Ranks of numbers, without the second that `scipy.stats` takes to import."""

from __future__ import annotations

import numpy as np

from privbench.metrics.pairs import Floats


def average_ranks(values: Floats) -> Floats:
    """Rank the values of each column, from 1; those that are equal have the average of their ranks.

    They are those of ``scipy.stats.rankdata(values, axis=0)``.

    Args:
        values: float64 (rows, columns) or (rows,), without NaN.

    Returns:
        float64 of the same shape.
    """
    order = values.argsort(axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    position = np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1))
    differs = ordered[1:] != ordered[:-1]
    edge = np.ones((1, *values.shape[1:]), dtype=bool)
    first = np.where(np.concatenate([edge, differs])[: len(values)], position, 0)
    last = np.where(np.concatenate([differs, edge])[: len(values)], position, len(values))
    first = np.maximum.accumulate(first, axis=0)
    last = np.minimum.accumulate(last[::-1], axis=0)[::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=0)
    return ranks
