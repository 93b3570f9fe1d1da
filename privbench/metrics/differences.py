"""Differences between two estimates on the same models and records, and means of them over seeds.

Two attacks on one population, or on two populations with the same membership and pool, err together:
what they have in common cancels in the influences' difference. Its variance is clustered both ways
(`clustered`) if an attack uses shadows, so that scores of different models depend on each other by the
record, else by models alone, with the records of the pool as given.

Over seeds, each with a split, a membership and models of its own, an estimate is the plain mean of S
values. Its variance is known in two ways, with x_s the values and e_s their standard errors:

    within  = sum over seeds of e_s^2 / S^2                      with the sum of their degrees of freedom
    between = sum over seeds of (x_s - mean)^2 / (S (S - 1))     with S - 1 degrees of freedom

The first misses what differs between pools and is not in e_s, and the second is hardly known with few
seeds. The larger one counts, with its own degrees of freedom. So the interval is that of Hartung and
Knapp 2001 (Statistics in Medicine 20:3875) with equal weights, but never smaller than what the seeds
themselves say, in the manner of Röver, Knapp, Friede 2015 (BMC Medical Research Methodology 15:99).
With two seeds, 1 degree of freedom is too few to choose by the larger variance, and the wider interval
counts. Coverage, with up to 16 times as much variance between pools as within: .93 to .97 with three
seeds, .95 to .97 with five, .95 to .99 with two (tests/metrics/test_differences.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from privbench.metrics.clustered import Estimate
from privbench.metrics.interval import Interval, t_quantile
from privbench.metrics.pairs import Floats

Error = tuple[float, int]
"""A standard error, and its degrees of freedom."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """A difference of two rates, its standard error and the degrees of freedom of Student's t."""

    value: float
    error: float
    degrees: int
    paired: bool = True
    """Whether the error allows for what both rates have in common."""

    @property
    def interval(self) -> Interval:
        """The 95% interval, within [-1, 1].

        >>> Difference(0.5, 0.0, 3).interval
        (0.5, 0.5)
        """
        reach = self.error * t_quantile(self.degrees + 1)
        return max(self.value - reach, -1.0), min(self.value + reach, 1.0)

    @property
    def is_distinct(self) -> bool:
        """Whether the 95% interval excludes 0."""
        low, high = self.interval
        return low > 0 or high < 0

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference.

        >>> Difference(0.0, 0.1, 3).p_value(), Difference(0.1, 0.0, 3).p_value()
        (1.0, 0.0)
        """
        from scipy.special import stdtr

        if self.error <= _ROUNDING:
            return 1.0 if abs(self.value) <= _ROUNDING else 0.0
        return 2 * float(stdtr(self.degrees, -abs(self.value) / self.error))


def difference_error(first: Floats, second: Floats, of_records: bool) -> Error:
    """Return the standard error of a difference of two estimates.

    Args:
        first: (models, records), the influence of each pair on the first estimate.
        second: the same for the second, on the same models and records.
        of_records: whether records are a sample as well, or those of the pool as given.
    """
    psi = np.asarray(first, dtype=np.float64) - second
    estimate = Estimate.of(0.0, psi, "models and records" if of_records else "models")
    return estimate.error, max(estimate.n - 1, 1)


def mixture_error(to_parts: Sequence[float], between: Floats, weights: Sequence[float]) -> float:
    """Return the standard error of x less a mixture of others, given those of differences of two.

    With V the variance of a difference and w the weights,
    V(x - sum w_i y_i) = sum w_i V(x - y_i) - 1/2 sum w_i w_j V(y_i - y_j), as for any quadratic form.

    Args:
        to_parts: (k,), the errors of x - y_i.
        between: (k, k), the errors of y_i - y_j.
        weights: (k,), which sum to 1.

    >>> mixture_error([0.3], np.zeros((1, 1)), [1.0])
    0.3
    """
    w = np.asarray(weights)
    variance = float(w @ np.square(to_parts) - w @ np.square(between) @ w / 2)
    return float(np.sqrt(max(variance, 0.0)))


def mean_error(values: Sequence[float], errors: Sequence[Error]) -> Error:
    """Return the standard error of the mean of one estimate per seed, as this module describes.

    >>> mean_error([0.5], [(0.1, 3)])
    (0.1, 3)
    """
    n = len(values)
    within = float(np.linalg.norm([error for error, _ in errors])) / n
    degrees = sum(degrees for _, degrees in errors)
    if n == 1:
        return errors[0]
    between = float(np.std(values, ddof=1)) / np.sqrt(n)
    scale = t_quantile(n) / t_quantile(degrees + 1) if n == 2 else 1.0
    return (between, n - 1) if between * scale > within else (within, degrees)


def mean_difference(differences: Sequence[Difference]) -> Difference:
    """Return the mean of one difference per seed."""
    values = [difference.value for difference in differences]
    error, degrees = mean_error(values, [(d.error, d.degrees) for d in differences])
    return Difference(float(np.mean(values)), error, degrees, all(d.paired for d in differences))


def pooled_differences(pairs: Sequence[Sequence[Difference]], n_rows: int) -> list[Difference]:
    """Return the mean over seeds of each of many differences, for tests of all at once.

    Small levels need many degrees of freedom. So the ratio of the variance between seeds to that within
    is estimated once for all pairs, and counts if it is above 1. It has (rows - 1) (seeds - 1) degrees
    of freedom, as the interaction of rows and seeds in an analysis of variance.

    Args:
        pairs: for each pair of rows, one difference per seed.
        n_rows: number of rows.
    """
    means, between = [], []
    for per_seed in pairs:
        n = len(per_seed)
        error = float(np.linalg.norm([d.error for d in per_seed])) / n
        degrees = sum(d.degrees for d in per_seed)
        value = float(np.mean([d.value for d in per_seed]))
        means.append(Difference(value, error, degrees, all(d.paired for d in per_seed)))
        if n > 1:
            between.append((float(np.var([d.value for d in per_seed], ddof=1)) / n, error**2, n))
    usual = sum(within for _, within, _ in between)
    ratio = sum(spread for spread, _, _ in between) / usual if usual else 0.0
    if ratio <= 1:
        return means
    limit = (n_rows - 1) * (min(n for _, _, n in between) - 1)
    return [
        replace(d, error=d.error * float(np.sqrt(ratio)), degrees=min(d.degrees, limit))
        for d in means
    ]
