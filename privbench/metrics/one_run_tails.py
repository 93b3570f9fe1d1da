"""How many guesses about one run can be correct under a trade-off curve.

Mahloujifar, Melis, Chaudhuri 2024, "Auditing f-Differential Privacy in One Run", arXiv 2410.22235. Let
m records be included by independent fair coins, let exactly c of them be guessed about, let p_i be the
probability that exactly i guesses are correct, and

    R_j = sum_{i >= j} i p_i / m,    H_j = sum_{i >= j} (c - i) p_i / m.

A mechanism with the trade-off curve f satisfies H_{j-1} >= f(1 - R_j) for every j (their theorem on
adversaries with a fixed number of guesses). Whoever wants a tail P[W >= v] = tau must therefore have a
total R_0 + H_0 of at least the one that a recursion from R_v = tau v / m, H_v = tau (c - v) / m down to
0 gives, and the total is c / m: every tau whose recursion gives more is impossible.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from privbench.metrics.pairs import Floats, Ints
from privbench.metrics.tradeoff import TradeOff

LOG_SMALLEST = -40.0
"""Tails below e^-40 are not resolved: they are returned as e^-40."""
TOLERANCE = 1e-5
"""Relative precision of a tail."""
SPREAD = 5.0
"""Tails are computed within so many times sqrt(guesses) of the expected number of correct guesses."""


def tail_bounds(records: Ints, guesses: Ints, correct: Ints, curve: TradeOff) -> Floats:
    """Return upper bounds on the probability of at least ``correct`` correct guesses.

    Args:
        records: int64 (cases,), the number of records of a run, m.
        guesses: int64 (cases,), the number of guesses, c.
        correct: int64 (cases,), the number of correct guesses, v.
        curve: the trade-off curve of a change of one coin.

    Returns:
        float64 (cases,), the bounds: rounded up, wherever an iteration was cut short.
    """
    n = len(records)

    def excess(log_tail: Floats, cases: Ints) -> Floats:
        return _log_excess(log_tail, records[cases], guesses[cases], correct[cases], curve)

    # A grid from large to small tails brackets all roots at once.
    grid = LOG_SMALLEST * np.linspace(0, 1, 13) ** 2
    every = np.tile(np.arange(n), len(grid))
    values = excess(np.repeat(grid, n), every).reshape(len(grid), n)
    impossible = np.logical_and.accumulate(values > 0).sum(axis=0)
    bound = np.where(impossible == 0, 0.0, LOG_SMALLEST)
    rooted = np.flatnonzero((impossible > 0) & (impossible < len(grid)))
    above, below = impossible[rooted] - 1, impossible[rooted]
    bound[rooted] = _upper_end_of_root(
        lambda log_tail, cases: excess(log_tail, rooted[cases]),
        grid[above], grid[below], values[above, rooted], values[below, rooted],
    )  # fmt: skip
    return np.exp(bound)


def _upper_end_of_root(
    excess: Callable[[Floats, Ints], Floats],
    high: Floats,
    low: Floats,
    at_high: Floats,
    at_low: Floats,
) -> Floats:
    """Return points just above the roots of growing functions, by the method of Chandrupatla 1997.

    Args:
        excess: returns the values of some of the functions, given points and which functions.
        high: float64 (functions,), points where the functions are positive.
        low: float64 (functions,), points where they are not.
        at_high: the values at ``high``.
        at_low: the values at ``low``.

    Returns:
        float64 (functions,), points at which the functions are positive, `TOLERANCE` above the roots.
    """
    upper = high.copy()
    active = np.arange(len(high))
    a, b, f_a, f_b = high, low, at_high, at_low  # a root lies between the newest point and b
    share = np.full(len(high), 0.5)
    while len(active):
        x = a + share * (b - a)
        f_x = excess(x, active)
        upper[active] = np.where(f_x > 0, np.minimum(upper[active], x), upper[active])
        same = (f_x > 0) == (f_a > 0)
        c, f_c = np.where(same, a, b), np.where(same, f_a, f_b)
        b, f_b = np.where(same, b, a), np.where(same, f_b, f_a)
        a, f_a = x, f_x
        left = np.abs(b - a) > 2 * TOLERANCE
        active, a, b, c = active[left], a[left], b[left], c[left]
        f_a, f_b, f_c = f_a[left], f_b[left], f_c[left]
        # Inverse quadratic interpolation where it stays within the bracket, else bisection.
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
            smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            share = f_a / (f_b - f_a) * f_c / (f_b - f_c)
            share += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
            least = TOLERANCE / np.abs(b - a)
        share = np.where(smooth, np.clip(share, least, 1 - least), 0.5)
    return upper


def _log_excess(
    log_tail: Floats, records: Ints, guesses: Ints, correct: Ints, curve: TradeOff
) -> Floats:
    """Return log((R_0 + H_0) m / c): the tail is impossible where this is positive.

    A recursion that stops early returns too little, so that the bound on the tail is too large: valid.
    """
    n_records, n_guesses = records.astype(np.float64), guesses.astype(np.float64)
    left = correct.astype(np.float64)
    tail = np.exp(log_tail)
    right, wrong = tail * left / n_records, tail * (n_guesses - left) / n_records  # R, H
    last_growth = np.full(len(records), np.inf)
    for step in range(int(correct.max(initial=0))):
        growth = np.maximum(curve.false_positive_rate(right) - wrong, 0.0)
        growth *= left > 0  # the recursion of this case has ended
        left = np.maximum(left - 1, 0.0)
        wrong += growth
        right = np.minimum(right + left / (n_guesses - left) * growth, 1.0)
        if step % 8 == 0:
            # Once the terms of the sum become smaller, they do so ever faster.
            total = right + wrong
            ended = (growth <= 1e-12 * total) & (growth <= last_growth)
            if (ended | (total * n_records > n_guesses)).all():
                break
            last_growth = growth
    excess: Floats = np.log((right + wrong) * n_records / n_guesses)
    return excess


def tail_distribution(records: int, guesses: int, curve: TradeOff) -> Floats:
    """Return a distribution whose tails bound those of the number of correct guesses about one run.

    Returns:
        float64 (guesses + 1,), probabilities; their sum from v on is an upper bound on the probability
        of at least v correct guesses.
    """
    centre = guesses * mean_correct(records, guesses, curve)
    reach = SPREAD * math.sqrt(guesses) + 5
    # Below the window the bound is 1; above it, that of its end: both are valid.
    first, last = max(1, math.floor(centre - reach)), min(guesses, math.ceil(centre + reach))
    window = np.arange(first, last + 1)
    tails = np.zeros(guesses + 2)
    tails[:first] = 1.0
    ones = np.ones_like(window)
    bounds = tail_bounds(records * ones, guesses * ones, window, curve)
    tails[first : last + 1] = np.minimum.accumulate(bounds)
    tails[last + 1 : guesses + 1] = tails[last]
    return tails[:-1] - tails[1:]


def mean_correct(records: int, guesses: int, curve: TradeOff) -> float:
    """Return the largest possible expected share of correct guesses.

    R_0 and H_0 are the expected right and wrong guesses over m, so H_0 >= f(1 - R_0).
    """
    from scipy.optimize import brentq

    share = guesses / records

    def missing(right: float) -> float:
        return right + float(curve.false_positive_rate(right)) - share

    return 1.0 if missing(share) <= 0 else float(brentq(missing, 0.0, share)) / share
