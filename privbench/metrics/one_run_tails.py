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

import numpy as np

from privbench.metrics.pairs import Floats, Ints
from privbench.metrics.tradeoff import TradeOff

LOG_SMALLEST = -40.0
"""Tails below e^-40 are not resolved: they are returned as e^-40."""
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
    low, high = np.full(len(records), LOG_SMALLEST), np.zeros(len(records))
    f_low = _log_excess(low, records, guesses, correct, curve)
    f_high = _log_excess(high, records, guesses, correct, curve)
    # The Illinois method: regula falsi that halves the value of an end which stays twice in a row.
    last = np.zeros(len(records), dtype=np.int8)
    bound = np.where(f_low > 0, low, high)  # where f_high <= 0, no probability is impossible
    is_open = (f_low <= 0) & (f_high > 0)
    for iteration in range(60):
        is_open = is_open & (high - low > 1e-9)
        if not is_open.any():
            break
        share = np.clip(-f_low / np.where(f_high > f_low, f_high - f_low, 1.0), 1e-3, 1 - 1e-3)
        share = np.where(iteration % 4 == 3, 0.5, share)  # so that no bracket shrinks slowly
        middle = low + share * (high - low)
        f_middle = np.zeros(len(records))
        f_middle[is_open] = _log_excess(
            middle[is_open], records[is_open], guesses[is_open], correct[is_open], curve
        )
        above, below = is_open & (f_middle > 0), is_open & (f_middle <= 0)
        f_low = np.where(above & (last == 1), f_low / 2, f_low)
        f_high = np.where(below & (last == -1), f_high / 2, f_high)
        high, f_high = np.where(above, middle, high), np.where(above, f_middle, f_high)
        low, f_low = np.where(below, middle, low), np.where(below, f_middle, f_low)
        bound = np.where(above, middle, bound)
        last = np.where(above, 1, np.where(below, -1, last)).astype(np.int8)
    return np.exp(bound)


def _log_excess(
    log_tail: Floats, records: Ints, guesses: Ints, correct: Ints, curve: TradeOff
) -> Floats:
    """Return log((R_0 + H_0) m / c): the tail is impossible where this is positive.

    A recursion that stops early returns too little, so that the bound on the tail is too large: valid.
    """
    scale = guesses / records
    tail = np.exp(log_tail)
    right, wrong = tail * correct / records, tail * (guesses - correct) / records  # R, H
    growth = np.full(len(records), np.inf)
    for step in range(1, int(correct.max(initial=0)) + 1):
        left = np.maximum(correct - step, 0)  # after the last step, nothing is added to ``right``
        new_wrong = np.where(
            correct >= step, np.maximum(wrong, curve.false_positive_rate(right)), wrong
        )
        new_growth = new_wrong - wrong
        right = np.minimum(right + left / (guesses - left) * new_growth, 1.0)
        wrong = new_wrong
        # Once the terms of the sum become smaller, they do so ever faster.
        if ((new_growth <= 1e-12 * (right + wrong)) & (new_growth <= growth)).all():
            break
        growth = new_growth
    excess: Floats = np.log((right + wrong) / scale)
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
