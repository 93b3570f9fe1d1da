"""What an audit could have proven: ceilings of bounds, and the epsilon that would have been refuted.

A claim that is not refuted was tested only as far as the number of trials allows. `ceiling` is the
largest epsilon that the trials can prove, if all of them come out right. `detectable` is the smallest
true epsilon at which a claim would be refuted with a probability of 90%.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from privbench.metrics.binomial import survival
from privbench.metrics.error_counts import clopper_pearson, gdp_bound
from privbench.metrics.one_run import (
    Coins,
    epsilon_bound,
    gaussian_bound,
    p_value_of_epsilon,
    tails_of_total,
)
from privbench.metrics.pairs import Ints
from privbench.metrics.tradeoff import TradeOff, gaussian_epsilon_of

LARGEST_MU = 100.0
"""Upper limit of the search for a true mu: its epsilon is beyond 5,000."""


def ceiling(
    records: Ints,
    guesses: Ints,
    *,
    delta: float,
    confidence: float = 0.95,
    gaussian: bool = False,
) -> float:
    """Return the largest epsilon that guesses about coins can prove: all of them are correct.

    Args:
        records: int64 (runs,), the records of each run whose inclusion is decided by a coin.
        guesses: int64 (runs,), the guesses about each run.
        delta: the delta at which epsilon is stated.
        confidence: the probability with which the bound holds.
        gaussian: whether the bound is `gaussian_bound`, and not `epsilon_bound`.

    >>> records, guesses = np.array([500]), np.array([100])
    >>> round(ceiling(records, guesses, delta=1e-5), 4)
    3.4792
    >>> round(ceiling(records, guesses, delta=1e-5, gaussian=True), 4)
    6.1218
    """
    bound = gaussian_bound if gaussian else epsilon_bound
    return bound(Coins(records, guesses, guesses), delta=delta, confidence=confidence)


def ceiling_of_errors(
    members: int,
    nonmembers: int,
    *,
    delta: float = 0.0,
    confidence: float = 0.95,
    gaussian: bool = False,
) -> float:
    """Return the largest epsilon that `epsilon_lower_bound` can prove: no error among its trials.

    Args:
        members: the number of trials with a member.
        nonmembers: the number of trials with a non-member.
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.
        gaussian: whether the bound is `gdp_bound`, and not `clopper_pearson`.

    >>> round(ceiling_of_errors(480, 480), 2)
    4.69
    """
    if gaussian:
        return gdp_bound(
            true_positives=members, members=members, false_positives=0, nonmembers=nonmembers,
            delta=delta, confidence=confidence,
        )  # fmt: skip
    # The two tests of `epsilon_lower_bound` share the error probability.
    bound = clopper_pearson(
        true_positives=members, members=members, false_positives=0, nonmembers=nonmembers,
        delta=delta, confidence=(1 + confidence) / 2,
    )  # fmt: skip
    return float(bound)


def detectable(
    records: Ints,
    guesses: Ints,
    claim: TradeOff | tuple[float, float],
    *,
    delta: float,
    level: float = 0.05,
    power: float = 0.9,
    one_sided: bool = False,
) -> float | None:
    """Return the smallest true epsilon at which a claim would be refuted with probability ``power``.

    The model: a Gaussian mechanism and an optimal adversary. The score of each record is drawn from
    N(mu, 1) if it is IN and from N(0, 1) if it is OUT, independently; half of the guesses about a run
    are IN, about its highest scores, and half are OUT, about its lowest. The expected number of correct
    guesses is exact; its distribution is taken to be binomial.

    Args:
        records: int64 (runs,), the records of each run whose inclusion is decided by a coin.
        guesses: int64 (runs,), the guesses about each run.
        claim: a trade-off curve, which `p_value` tests; or (epsilon, delta), which
            `p_value_of_epsilon` tests.
        delta: the delta at which the true epsilon is stated, in (0, 1).
        level: the level of the test.
        power: the probability of refuting the claim.
        one_sided: whether all guesses are IN, about the highest scores, or all are OUT.

    Returns:
        The epsilon of the mechanism at ``delta``; None if no epsilon would be refuted.
    """
    from scipy.optimize import brentq

    layout = Coins(records, guesses, np.zeros_like(guesses))
    critical = critical_count(layout, claim, level)
    if critical is None:
        return None
    kinds = Counter(
        pair for pair in zip(records.tolist(), guesses.tolist(), strict=True) if pair[1]
    )
    total = int(guesses.sum())

    def missing(mu: float) -> float:
        expected = sum(
            runs * c * p_correct(mu, n, c * (1 + one_sided)) for (n, c), runs in kinds.items()
        )
        return power - survival(critical - 1, total, expected / total)

    if missing(LARGEST_MU) > 0:
        return None
    if missing(0.0) <= 0:
        return 0.0
    return gaussian_epsilon_of(float(brentq(missing, 0.0, LARGEST_MU)), delta)


def critical_count(
    layout: Coins, claim: TradeOff | tuple[float, float], level: float
) -> int | None:
    """Return the smallest total of correct guesses that refutes a claim; None if none does.

    Args:
        layout: the records and guesses of each run; correct guesses are ignored.
        claim: a trade-off curve, or (epsilon, delta).
        level: the level of the test.
    """
    total = int(layout.guesses.sum())
    if isinstance(claim, TradeOff):
        refuted = np.flatnonzero(tails_of_total(layout.records, layout.guesses, claim) <= level)
        return int(refuted[0]) if len(refuted) else None
    records = int(layout.records.sum())
    low, high = 0, total + 1  # p-values fall with the number: ``low`` is not refuted
    while high - low > 1:
        middle = (low + high) // 2
        if p_value_of_epsilon(Coins.of_one_run(records, total, middle), *claim) <= level:
            high = middle
        else:
            low = middle
    return high if high <= total else None


def p_correct(mu: float, records: int, guesses: int) -> float:
    """Return the expected fraction of correct guesses about one run of a Gaussian mechanism.

    A record is among the highest k if at most k - 1 of the n - 1 others are above it. Guesses about
    the lowest are correct as often, because the scores are symmetric about mu / 2.

    Args:
        mu: the distance of the scores of IN and OUT records, in standard deviations.
        records: the number of records, n.
        guesses: the number of guesses, 2 k, which is not 0; or 1 of a single record, at the middle. As
            many about the highest alone are correct as often as 2 k guesses of which half are about
            the lowest.
    """
    from scipy.special import bdtr, ndtr

    if records == 1:
        return float(ndtr(mu / 2))
    each = guesses // 2
    score = np.linspace(-9.0, mu + 9.0, 4001)
    above = (ndtr(-score) + ndtr(mu - score)) / 2  # whether IN or OUT
    density = np.exp(-((score - mu) ** 2) / 2) / math.sqrt(2 * math.pi) / 2  # of being IN
    among_highest = bdtr(each - 1, records - 1, above)
    step = float(score[1] - score[0])
    return min(1.0, records / each * step * float((density * among_highest).sum()))
