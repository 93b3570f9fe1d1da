"""Moments of each record's shadows, for all targets at once.

In leave-one-out, target i must not see shadow i, which is itself: neither its values nor, down to the
last bit, whether it was trained on a record. Taking a value off a sum would leave a rounding error
where the shadow was in the sum and none where it was not, which tells members apart where answers are
alike. So the rows before i and the rows after i are summed up, and the two are merged; all targets
together cost about twice as much as one. Everything works on some records at a time: the inputs are
(shadows, some records).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHUNK = 2**19
"""Values (shadows times records) that are worked on at a time, so that they stay in the cache."""


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
        before = cls._running(values, used)
        if not leave_one_out:
            return before._rows(slice(-1, None))
        after = cls._running(values[::-1], used[::-1])
        return before._rows(slice(-1))._merge(after._rows(slice(-2, None, -1)))

    @classmethod
    def _running(cls, values: Floats, used: Bools) -> Moments:
        """Of the first 0, 1, ..., all rows: (shadows + 1, records) each.

        By Welford's updates. Unlike sums of squares they lose no digits to a mean far from zero, and
        the mean of equal values is that value.
        """
        shape = len(values) + 1, values.shape[1]
        count = np.zeros(shape, dtype=np.int64)
        for row, flags in enumerate(used):  # row by row is faster than NumPy's cumsum
            np.add(count[row], flags, out=count[row + 1])
        share = used / np.maximum(count[1:], 1)  # of the new value in the mean
        rest = used - share
        mean, squares = np.zeros(shape), np.zeros(shape)
        for row, value in enumerate(values):
            apart = value - mean[row]
            np.add(mean[row], apart * share[row], out=mean[row + 1])
            apart *= apart
            np.add(squares[row], apart * rest[row], out=squares[row + 1])
        return cls(count, mean, squares)

    def _rows(self, rows: slice) -> Moments:
        return Moments(self.count[rows], self.mean[rows], self.squares[rows])

    def _merge(self, other: Moments) -> Moments:
        """Of the values of both together."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        moved = apart * share
        mean = self.mean + moved
        moved *= apart
        moved *= self.count  # the sum of squares between the two
        moved += self.squares
        moved += other.squares
        return Moments(count, mean, moved)


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
    mean = np.empty((len(shadows) if leave_one_out else 1, shadows.shape[1]))
    for part in chunks(*shadows.shape):
        mean[:, part] = means(shadows[:, part], ~member[:, part], leave_one_out=leave_one_out)
    return values - fill(mean)


def means(values: Floats, used: Bools, *, leave_one_out: bool) -> Floats:
    """Means (targets or 1, records) where ``used``; NaN where nothing is."""
    moments = Moments.of(values, used, leave_one_out=leave_one_out)
    found: Floats = np.where(moments.count > 0, moments.mean, np.nan)
    return found


def fill(found: Floats) -> Floats:
    """``found`` (targets or 1, records) with the mean over the other records where it is NaN.

    That is 0 where there are none, and exactly their value where they are all equal.
    """
    known = ~np.isnan(found)
    total = found.sum(axis=1, keepdims=True, where=known)
    typical = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    lowest = found.min(axis=1, keepdims=True, where=known, initial=np.inf)
    highest = found.max(axis=1, keepdims=True, where=known, initial=-np.inf)
    within = np.clip(typical, lowest, highest)  # which rounding might leave
    filled: Floats = np.where(known, found, np.where(lowest <= highest, within, 0.0))
    return filled
