"""Moments of each record's shadows, for all targets at once.

In leave-one-out, target i must not see shadow i, which is itself. Taking one value off a mean, a sum
of squares or a sorted list costs nothing beside computing them, so all targets cost about as much as
one. Everything works on some records at a time: the inputs are (shadows, some records).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHUNK = 2**18
"""Values (shadows times records) that are worked on at a time, so that they stay in the cache."""
_CANCELS = 1e-6
"""A value that has all but this share of a sum of squares: taking it off would leave rounding errors."""


def chunks(n_shadows: int, n_records: int) -> Iterator[slice]:
    """Slices of records, of about ``CHUNK`` values each."""
    step = max(1, CHUNK // n_shadows)
    return (slice(start, start + step) for start in range(0, n_records, step))


@dataclass(frozen=True)
class Moments:
    """Of the values of one side (IN or OUT) of each record, as each target sees them.

    (targets, records) each, or (1, records) where all targets see the same shadows: how many values,
    their mean (0 where there is none), and their sum of squares about it.
    """

    count: NDArray[np.int64]
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, values: Floats, used: Bools, *, leave_one_out: bool) -> Moments:
        """Of ``values`` (shadows, records) where ``used``; row i is left out for target i if asked."""
        count = used.sum(axis=0)
        mean = np.where(used, values, 0.0).sum(axis=0) / np.maximum(count, 1)
        residual = np.where(used, values - mean, 0.0)
        squares = (residual**2).sum(axis=0)
        if not leave_one_out:
            return cls(count[None], mean[None], squares[None])
        left = count - used
        weight = 1 / np.maximum(left, 1)
        mean_left = np.where(left > 0, mean - residual * weight, 0.0)
        squares_left = squares - residual**2 * (1 + weight)
        rows, columns = np.nonzero(used & (left > 0) & (squares_left < _CANCELS * squares))
        if len(rows):  # these afresh, without the row
            others = used[:, columns]
            others[rows, np.arange(len(rows))] = False
            again = cls.of(values[:, columns], others, leave_one_out=False)
            mean_left[rows, columns] = again.mean[0]
            squares_left[rows, columns] = again.squares[0]
        return cls(left, mean_left, np.where(left > 0, squares_left, 0.0))


def medians(values: Floats, used: Bools, *, leave_one_out: bool) -> Floats:
    """Medians as in `Moments.of`, (targets or 1, records); 0 where there is no value."""
    masked = np.where(used, values, np.inf)  # unused values go to the end
    count = used.sum(axis=0)
    if not leave_one_out:
        ordered = np.sort(masked, axis=0)
        return _middle(ordered, count[None], None)
    order = np.argsort(masked, axis=0)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(values))[:, None], axis=0)
    rank = np.where(used, rank, len(values))  # an unused value is taken off nothing
    return _middle(np.take_along_axis(masked, order, axis=0), count - used, rank)


def _middle(ordered: Floats, left: NDArray[np.int64], rank: NDArray[np.int64] | None) -> Floats:
    """The middle of the ``left`` values of each column that remain without the one at ``rank``."""
    low, high = np.maximum(left - 1, 0) // 2, left // 2
    if rank is not None:
        last = len(ordered) - 1  # beyond it only where nothing is left
        low, high = np.minimum(low + (low >= rank), last), np.minimum(high + (high >= rank), last)
    both = np.take_along_axis(ordered, low, axis=0) + np.take_along_axis(ordered, high, axis=0)
    return np.where(left > 0, both / 2, 0.0)


def centred_on_out(values: Floats, shadows: Floats, member: Bools, leave_one_out: bool) -> Floats:
    """``values`` (targets, n) less the mean (targets or 1, n) of each record's OUT ``shadows``.

    A record without an OUT shadow has the mean over the others' for its own.
    """
    parts = [
        (part, Moments.of(shadows[:, part], ~member[:, part], leave_one_out=leave_one_out))
        for part in chunks(*shadows.shape)
    ]
    known = sum((m.count > 0).sum(axis=1, keepdims=True) for _, m in parts)
    total = sum(m.mean.sum(axis=1, keepdims=True) for _, m in parts)
    typical = total / np.maximum(known, 1)
    centred = np.empty_like(values)
    for part, moments in parts:
        mean = np.where(moments.count > 0, moments.mean, typical)
        centred[:, part] = values[:, part] - mean
    return centred


def means(values: Floats, used: Bools, *, leave_one_out: bool) -> Floats:
    """Means (targets or 1, records) where ``used``; NaN where nothing is.

    Without one value taken off a sum, which would round away what is small beside it: probabilities
    of one record differ by many orders of magnitude.
    """
    kept = np.where(used, values, 0.0)
    count = used.sum(axis=0)[None]
    total = kept.sum(axis=0)[None]
    if leave_one_out:
        count = count - used
        total = np.zeros_like(kept)
        np.cumsum(kept[:-1], axis=0, out=total[1:])  # all before
        total[:-1] += np.cumsum(kept[:0:-1], axis=0)[::-1]  # all after
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def fill(found: Floats) -> Floats:
    """``found`` (targets or 1, records) with the mean over the other records where it is NaN."""
    known = ~np.isnan(found)
    total = found.sum(axis=1, keepdims=True, where=known)
    typical = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled: Floats = np.where(known, found, typical)
    return filled
