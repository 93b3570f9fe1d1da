"""Moments and medians of each record's shadows, for all targets at once.

In leave-one-out, the statistics of target i must not depend on shadow i, which is the target itself:
neither on its values nor, to the last bit, on whether it was trained on a record. Subtracting its value
from a sum would leave a rounding error if the value was part of the sum, and none otherwise; where
outputs are nearly equal, this reveals membership. So the rows before i and the rows after i are
summed separately and merged, at about twice the cost of one target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.attacks.outputs import Outputs

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHUNK = 2**19
"""Number of values (shadows times records) to process at a time, so that they stay in the cache."""


def of_targets_and_shadows(
    views: Views, statistic: Callable[[Outputs], Floats]
) -> tuple[Floats, Floats]:
    """Compute a statistic (models, n, ...) of the outputs of targets and of shadows.

    It is computed once where the shadows are the targets themselves.
    """
    targets = statistic(views.targets)
    if views.shadows is views.targets:
        return targets, targets
    return targets, statistic(views.shadows)


def chunks(n_shadows: int, n_records: int) -> Iterator[slice]:
    """Return slices of the records with about ``CHUNK`` values each."""
    step = max(1, CHUNK // n_shadows)
    return (slice(start, start + step) for start in range(0, n_records, step))


@dataclass(frozen=True)
class Moments:
    """Moments of each record's values under its IN, or its OUT, shadows, as each target sees them.

    All are (targets, records), or (1, records) where all targets see the same shadows.

    Attributes:
        count: the number of values.
        mean: their mean; 0 where there are none.
        squares: the sum of their squared differences from the mean.
    """

    count: NDArray[np.int64]
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, values: Floats, used: Bools, *, leave_one_out: bool) -> Moments:
        """Compute the moments of ``values`` (shadows, records) where ``used`` (shadows, records).

        With ``leave_one_out``, shadow i is target i and is left out for it.
        """
        before = cls._running(values, used)
        if not leave_one_out:
            return before._rows(slice(-1, None))
        after = cls._running(values[::-1], used[::-1])
        return before._rows(slice(-1))._merge(after._rows(slice(-2, None, -1)))

    @classmethod
    def _running(cls, values: Floats, used: Bools) -> Moments:
        """Compute the moments of the first 0, 1, ..., all rows: (shadows + 1, records) each.

        Welford's updates lose no digits to a mean far from zero, unlike sums of squares, and give the
        mean of equal values exactly.
        """
        shape = len(values) + 1, values.shape[1]
        count = np.zeros(shape, dtype=np.int64)
        for row, flags in enumerate(used):  # faster row by row than numpy.cumsum
            np.add(count[row], flags, out=count[row + 1])
        share = used / np.maximum(count[1:], 1)  # weight of the new value in the mean
        rest = used - share
        mean, squares = np.zeros(shape), np.zeros(shape)
        for row, value in enumerate(values):
            difference = value - mean[row]
            np.add(mean[row], difference * share[row], out=mean[row + 1])
            difference *= difference
            np.add(squares[row], difference * rest[row], out=squares[row + 1])
        return cls(count, mean, squares)

    def _rows(self, rows: slice) -> Moments:
        return Moments(self.count[rows], self.mean[rows], self.squares[rows])

    def _merge(self, other: Moments) -> Moments:
        """Return the moments of the values of both (Chan, Golub, LeVeque 1983)."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        difference = other.mean - self.mean
        squares = difference * share
        mean = self.mean + squares
        squares *= difference
        squares *= self.count  # the sum of squares between the two
        squares += self.squares
        squares += other.squares
        return Moments(count, mean, squares)


def medians(values: Floats, used: Bools, *, leave_one_out: bool) -> Floats:
    """Compute medians for each target, with the arguments of `Moments.of`.

    Returns:
        (targets, records), or (1, records) without ``leave_one_out``; 0 where there is no value.
    """
    masked = np.where(used, values, np.inf)  # sorts unused values to the end
    count = used.sum(axis=0)
    if not leave_one_out:
        ordered = np.sort(masked, axis=0)
        return _middle(ordered, count[None], None)
    order = np.argsort(masked, axis=0)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(values))[:, None], axis=0)
    rank = np.where(used, rank, len(values))  # leaving out an unused value changes nothing
    return _middle(np.take_along_axis(masked, order, axis=0), count - used, rank)


def _middle(ordered: Floats, left: NDArray[np.int64], rank: NDArray[np.int64] | None) -> Floats:
    """Return the median of each column of sorted values, without the value at ``rank``.

    Args:
        ordered: (shadows, records), sorted along the first axis.
        left: (targets or 1, records), the number of values that count.
        rank: (targets, records), the position of the value to leave out; None for no value.
    """
    low, high = np.maximum(left - 1, 0) // 2, left // 2
    if rank is not None:
        last = len(ordered) - 1  # exceeded only where no value is left
        low, high = np.minimum(low + (low >= rank), last), np.minimum(high + (high >= rank), last)
    both = np.take_along_axis(ordered, low, axis=0) + np.take_along_axis(ordered, high, axis=0)
    return np.where(left > 0, both / 2, 0.0)


def subtract_out_mean(
    values: Floats, shadows: Floats, member: Bools, leave_one_out: bool
) -> Floats:
    """Subtract from each record's value its mean over the record's OUT shadows.

    A record without an OUT shadow gets the average of this mean over the other records.

    Args:
        values: (targets, n), the values of the targets.
        shadows: (shadows, n), the values of the shadows.
        member: bool (shadows, n), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.

    Returns:
        (targets, n).
    """
    mean = np.empty((len(shadows) if leave_one_out else 1, shadows.shape[1]))
    for part in chunks(*shadows.shape):
        mean[:, part] = means(shadows[:, part], ~member[:, part], leave_one_out=leave_one_out)
    return values - fill_missing(mean)


def means(values: Floats, used: Bools, *, leave_one_out: bool) -> Floats:
    """Compute means for each target, with the arguments of `Moments.of`.

    Returns:
        (targets, records), or (1, records) without ``leave_one_out``; NaN where there is no value.
    """
    moments = Moments.of(values, used, leave_one_out=leave_one_out)
    mean: Floats = np.where(moments.count > 0, moments.mean, np.nan)
    return mean


def fill_missing(values: Floats) -> Floats:
    """Replace NaN by the mean over the other records.

    Args:
        values: (targets or 1, records).

    Returns:
        The same shape. Where all values of a row are equal, their mean is exactly that value; where
        all are NaN, they become 0.
    """
    known = ~np.isnan(values)
    total = values.sum(axis=1, keepdims=True, where=known)
    typical = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    lowest = values.min(axis=1, keepdims=True, where=known, initial=np.inf)
    highest = values.max(axis=1, keepdims=True, where=known, initial=-np.inf)
    clipped = np.clip(typical, lowest, highest)  # rounding might exceed the range
    filled: Floats = np.where(known, values, np.where(lowest <= highest, clipped, 0.0))
    return filled
