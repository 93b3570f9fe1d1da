"""Refute a guarantee by samples of what a mechanism returns for two neighbouring inputs.

A linear score that tells the two apart is learned on a part of the samples, and its errors are counted
on the others. The bound on epsilon is that of Clopper and Pearson (`metrics.error_counts`), so that a
guarantee that holds is refuted with a probability of at most `ERRS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.error_counts import clopper_pearson

ERRS = 1e-6
"""The probability with which a guarantee that holds is refuted."""
LEARN = 1 / 3
"""Share of the samples from which the score is learned."""
THRESHOLDS = 60
"""Number of thresholds that are tried on these."""

Floats = NDArray[np.float64]
Sample = Callable[[int, range], Floats]
"""``sample(side, seeds)`` returns what runs on one of the two inputs return: (seeds, numbers)."""


@dataclass(frozen=True)
class Claim:
    """What a guarantee says about two inputs: that no test tells them apart beyond (epsilon, delta)."""

    epsilon: float
    delta: float


def ceiling(n: int, delta: float) -> float:
    """Return the bound on epsilon that n samples of each input would imply without an error."""
    held_out = n - int(LEARN * n)
    return _bound(held_out, 0, held_out, delta)


def lower_bound(sample: Sample, n: int, delta: float, first: int = 0) -> float:
    """Return a lower bound on epsilon, from n samples of each of two inputs.

    It is wrong with a probability of at most `ERRS`, if runs are independent.

    Args:
        sample: draws the samples.
        n: number of samples of each input.
        delta: that of the guarantee.
        first: the first seed.
    """
    seeds = range(first, first + n)
    sides = [np.asarray(sample(side, seeds), dtype=float).reshape(n, -1) for side in (0, 1)]
    learn = int(LEARN * n)
    score = _linear_score(*(side[:learn] for side in sides))
    known = [score(side[:learn]) for side in sides]
    tested = [score(side[learn:]) for side in sides]
    tried = np.unique(np.quantile(np.concatenate(known), np.linspace(0, 1, THRESHOLDS)))
    between = np.append((tried[1:] + tried[:-1]) / 2, tried[0])
    best = max(between, key=lambda at: _bound_at(at, known, delta))
    return _bound_at(best, tested, delta)


def _bound_at(threshold: float, scores: list[Floats], delta: float) -> float:
    first, second = ((side >= threshold).sum() for side in scores)
    return _bound(int(first), int(second), len(scores[0]), delta)


def _bound(true: int, false: int, n: int, delta: float) -> float:
    bound = clopper_pearson(
        true_positives=true, members=n, false_positives=false, nonmembers=n,
        delta=delta, confidence=1 - ERRS,
    )  # fmt: skip
    return float(bound)


def _linear_score(first: Floats, second: Floats) -> Callable[[Floats], Floats]:
    """Return the score of linear discriminant analysis with a diagonal covariance."""
    difference = first.mean(0) - second.mean(0)
    variance = (first.var(0) + second.var(0)) / 2
    scale = np.abs(np.concatenate([first, second])).max(0)
    weight = difference / (variance + 1e-12 * (1 + scale**2))
    return lambda values: np.asarray(values @ weight)
