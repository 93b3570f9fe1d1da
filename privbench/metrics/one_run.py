"""Lower bounds on epsilon from guesses about coins: whether each record was included in a run.

Each record is included in a training run by an independent fair coin, and an adversary guesses the
coins from the output of the run. Two theorems bound how many guesses can be correct:

- Steinke, Nasr, Jagielski 2023, arXiv 2305.08846, theorem 5.2, for an (epsilon, delta) guarantee;
- Mahloujifar, Melis, Chaudhuri 2024, arXiv 2410.22235, for a trade-off curve, which is much tighter.

Neither needs the guesses, or the records of a run, to be independent. Both need the number of guesses to
be fixed before a score is seen.

**Several runs.** Guesses about a run may use its own output, and the outputs and coins of the runs
before it. Given these, both theorems hold for the run.

1. An (epsilon, delta) guarantee: the runs count as one run with all coins (induction over coins).
2. A trade-off curve: the theorem for one run does not cover guesses that use earlier coins, so the tail
   of each run's number of correct guesses is bounded apart, whatever happened before. The sum of the
   numbers is then stochastically smaller than a sum of independent variables with these tails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from privbench.metrics.binomial import mass, survival
from privbench.metrics.one_run_tails import tail_bounds, tail_distribution
from privbench.metrics.pairs import Bools, Floats, Ints, check_shapes
from privbench.metrics.tradeoff import TradeOff, gaussian_epsilon_of

MAX_EPSILON = 1e3
"""Upper limit of the search for an epsilon; every bound from real counts is far below it."""
GUESSED_FRACTION = 0.2
"""Fraction of the records of a run that are guessed about; fixed before any score is seen."""
SMALLEST_P_VALUE = 1e-12
"""A p-value of several runs under a trade-off curve is never said to be smaller than this."""


@dataclass(frozen=True)
class Coins:
    """Counts of the guesses about the coins of some runs.

    Attributes:
        records: int64 (runs,), the records whose inclusion was decided by a coin.
        guesses: int64 (runs,), the records that were guessed about.
        correct: int64 (runs,), the correct guesses.

    Raises:
        ValueError: unless the arrays have one shape (runs,) and 0 <= correct <= guesses <= records.
    """

    records: Ints
    guesses: Ints
    correct: Ints

    def __post_init__(self) -> None:
        for name in ("records", "guesses", "correct"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))
        if (
            not self.records.shape
            == self.guesses.shape
            == self.correct.shape
            == (self.records.size,)
        ):
            raise ValueError(
                f"expected one shape (runs,), got {self.records.shape}, {self.guesses.shape} and "
                f"{self.correct.shape} for records, guesses and correct"
            )
        ordered = (self.correct >= 0) & (self.correct <= self.guesses)
        if not (ordered & (self.guesses <= self.records)).all():
            raise ValueError(
                "expected 0 <= correct <= guesses <= records, got "
                f"{self.correct}, {self.guesses}, {self.records}"
            )

    @classmethod
    def of_one_run(cls, records: int, guesses: int, correct: int) -> Coins:
        """Return the counts of one run."""
        return cls(np.array([records]), np.array([guesses]), np.array([correct]))


def p_value(coins: Coins, claim: TradeOff) -> float:
    """Return the largest probability of as many correct guesses under a trade-off curve.

    Args:
        coins: the counts of each run.
        claim: the curve that is tested.

    Returns:
        A p-value: a claim that holds gives at most p with a probability of at most p.
    """
    total = int(coins.correct.sum())
    if np.count_nonzero(coins.guesses) == 1:
        run = coins.guesses > 0
        bounds = tail_bounds(coins.records[run], coins.guesses[run], coins.correct[run], claim)
        return float(bounds[0])
    return float(tails_of_total(coins.records, coins.guesses, claim)[total])


def tails_of_total(records: Ints, guesses: Ints, claim: TradeOff) -> Floats:
    """Return the p-value under a trade-off curve of every total number of correct guesses.

    Args:
        records: int64 (runs,), the records of each run.
        guesses: int64 (runs,), the guesses about each run.
        claim: the curve that is tested.

    Returns:
        float64 (total guesses + 1,), the p-values of 0, 1, ... correct guesses in all runs together.
    """
    size = int(guesses.sum()) + 1
    layouts, counts = np.unique(np.stack([records, guesses]), axis=1, return_counts=True)
    transform = np.ones(size // 2 + 1, dtype=np.complex128)
    for n, c, runs in zip(*layouts.tolist(), counts.tolist(), strict=True):
        if c:  # a run without a guess says nothing
            transform *= np.fft.rfft(tail_distribution(n, c, claim), size) ** runs
    tails = np.cumsum(np.fft.irfft(transform, size)[::-1])[::-1]
    return np.clip(tails, SMALLEST_P_VALUE, 1.0)


def p_value_of_epsilon(coins: Coins, epsilon: float, delta: float) -> float:
    """Return the largest probability of as many correct guesses under (epsilon, delta)-DP.

    Source: Steinke, Nasr, Jagielski 2023, theorem 5.2, on the coins of all runs.
    """
    from scipy.special import expit

    records, guesses = int(coins.records.sum()), int(coins.guesses.sum())
    correct = int(coins.correct.sum())
    p_correct = float(expit(epsilon))  # the largest probability of one correct guess
    tail = survival(correct - 1, guesses, p_correct)
    if delta == 0 or correct == 0:
        return tail
    below = np.arange(1, correct + 1)
    masses = np.cumsum(mass(correct - below, guesses, p_correct)) / below
    return min(1.0, tail + 2 * records * delta * float(masses.max()))


def epsilon_bound(coins: Coins, delta: float = 0.0, confidence: float = 0.95) -> float:
    """Return the lower bound on epsilon implied by correct guesses.

    Args:
        coins: the counts of each run.
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The bound, at least 0: the largest epsilon that `p_value_of_epsilon` refutes.

    >>> round(epsilon_bound(Coins.of_one_run(500, 100, 100), delta=1e-5), 6)
    3.479195
    """
    return _largest_refuted(
        lambda epsilon: p_value_of_epsilon(coins, epsilon, delta), 1 - confidence
    )


def gaussian_bound(coins: Coins, delta: float, confidence: float = 0.95) -> float:
    """Return the lower bound on epsilon implied by correct guesses about a Gaussian mechanism.

    The bound assumes that the trade-off curve is Gaussian, with an unknown mu. It says nothing about a
    mechanism that has another curve.

    Args:
        coins: the counts of each run.
        delta: the delta at which epsilon is stated, in (0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The bound, at least 0: the epsilon at ``delta`` of the largest mu that `p_value` refutes.

    >>> round(gaussian_bound(Coins.of_one_run(500, 100, 100), delta=1e-5), 4)
    6.1218
    """
    mu = _largest_refuted(lambda mu: p_value(coins, TradeOff.gaussian(mu)), 1 - confidence)
    return gaussian_epsilon_of(mu, delta)


def _largest_refuted(p: Callable[[float], float], level: float) -> float:
    """Return where a p-value that grows with its argument reaches the level; 0 if it starts there."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    def excess(value: float) -> float:
        # Nearly a straight line, where the p-value itself is flat: fewer steps.
        return float(ndtri(np.clip(p(value), 1e-300, 1 - 1e-16)) - ndtri(level))

    if excess(0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while excess(high) < 0:
        low, high = high, 2 * high
        if high > MAX_EPSILON:
            return MAX_EPSILON
    return float(brentq(excess, low, high, xtol=1e-8))


def guesses_about(records: int) -> int:
    """Return the number of guesses about a run with so many coins: fixed before any score is seen."""
    return 2 * (int(GUESSED_FRACTION * records) // 2)


def guess_coins(scores: Floats, member: Bools, rng: np.random.Generator) -> Coins:
    """Guess the coins of runs by the scores of their records, and count the correct guesses.

    In each run, the records with the highest scores are guessed to be IN, and as many with the lowest
    to be OUT: `GUESSED_FRACTION` of the records together. Each run is ranked apart: a ranking of all
    runs would let the scores of later runs, which may use a coin, decide whether it is guessed about.

    Args:
        scores: float64 (runs, records), larger = member.
        member: bool (runs, records), the coins.
        rng: breaks ties, so that the order of the records reveals nothing.

    Returns:
        The counts of each run.
    """
    check_shapes(scores, member)
    n = scores.shape[1]
    each = guesses_about(n) // 2
    shuffled = rng.permuted(np.tile(np.arange(n), (len(scores), 1)), axis=1)
    order = np.argsort(np.take_along_axis(scores, shuffled, axis=1), axis=1, kind="stable")
    ranked = np.take_along_axis(member, np.take_along_axis(shuffled, order, axis=1), axis=1)
    correct = ranked[:, n - each :].sum(axis=1) + (~ranked[:, :each]).sum(axis=1)
    return Coins(np.full(len(scores), n), np.full(len(scores), guesses_about(n)), correct)


def one_run_bound(
    scores: Floats,
    member: Bools,
    *,
    rng: np.random.Generator,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Compute `epsilon_bound` from the scores of one model, with the guesses of `guess_coins`.

    The bound is valid only if each record was included by a fair coin, independent of all others, and
    the scores depend on the coins only through the model. A split into training and test sets of
    fixed sizes, or in other proportions, is no such draw: the bound then implies nothing.

    Args:
        scores: float64 (records,), larger = member.
        member: bool (records,), which records the model was trained on.
        rng: breaks ties, so that the order of the records reveals nothing.
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The bound, at least 0.
    """
    coins = guess_coins(scores[None], member[None], rng)
    return epsilon_bound(coins, delta=delta, confidence=confidence)
