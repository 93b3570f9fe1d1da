"""Ceilings and power: by hand, closed forms, and simulated audits."""

import numpy as np
import pytest
from scipy.stats import norm

from privbench.metrics import Coins, TradeOff
from privbench.metrics.one_run import (
    epsilon_bound,
    guess_coins,
    guesses_about,
    p_value,
    p_value_of_epsilon,
)
from privbench.metrics.power import (
    ceiling,
    ceiling_of_errors,
    critical_count,
    detectable,
    p_correct,
)
from privbench.metrics.tradeoff import gaussian_mu

CLAIMS = [(1.0, 1e-5), TradeOff.gaussian(0.3), TradeOff.of_profile([(1.0, 1e-5), (0.3, 0.02)])]


def layout(n_runs, n_records):
    return np.full(n_runs, n_records), np.full(n_runs, guesses_about(n_records))


@pytest.mark.parametrize(("n", "expected"), [(480, 4.69), (50, 2.39)])
def test_ceiling_of_errors_by_hand(n, expected):
    rate = 1 - 0.0125 ** (1 / n)
    assert ceiling_of_errors(n, n) == pytest.approx(np.log((1 - rate) / rate))
    assert ceiling_of_errors(n, n) == pytest.approx(expected, abs=0.01)


def test_ceiling_of_errors_of_a_gaussian_mechanism_by_hand():
    mu = 2 * norm.isf(1 - 0.025 ** (1 / 480))
    epsilon = ceiling_of_errors(480, 480, delta=1e-5, gaussian=True)
    assert gaussian_mu(epsilon, 1e-5) == pytest.approx(mu)


def test_ceiling_is_the_bound_of_the_best_counts():
    records, guesses = layout(3, 60)
    bounds = [
        epsilon_bound(Coins(records, guesses, np.array([12, 12, last])), 1e-5) for last in range(13)
    ]
    assert ceiling(records, guesses, delta=1e-5) == max(bounds) == bounds[-1]


@pytest.mark.parametrize("mu", [0.0, 1.0, 5.0])
def test_all_records_guessed_are_right_as_often_as_the_best_threshold(mu):
    assert p_correct(mu, 10**6, 10**6) == pytest.approx(norm.cdf(mu / 2), abs=1e-4)


def guess(rng, mu, n_runs, n_records):
    member = rng.random((n_runs, n_records)) < 0.5
    return guess_coins(rng.normal(size=member.shape) + mu * member, member, rng)


@pytest.mark.parametrize(("n_runs", "n_records"), [(20_000, 10), (4_000, 60), (10, 20_000)])
def test_p_correct_simulated(rng, n_runs, n_records):
    coins = guess(rng, 1.2, n_runs, n_records)
    expected = p_correct(1.2, n_records, guesses_about(n_records))
    assert coins.correct.sum() / coins.guesses.sum() == pytest.approx(expected, abs=0.007)


def test_p_correct_of_one_pair_by_hand():
    """Of two records, the higher one is IN: both are, or one is and its score is the larger one."""
    assert p_correct(1.2, 2, 2) == pytest.approx(0.25 + 0.5 * norm.cdf(1.2 / np.sqrt(2)))


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_critical_count_is_the_first_that_refutes(claim):
    records, guesses = layout(4, 60)
    critical = critical_count(Coins(records, guesses, np.zeros(4)), claim, 0.05)

    def p(total):
        correct = np.full(4, total // 4)
        correct[: total % 4] += 1
        coins = Coins(records, guesses, correct)
        if isinstance(claim, TradeOff):
            return p_value(coins, claim)
        return p_value_of_epsilon(coins, *claim)

    assert p(critical) <= 0.05 < p(critical - 1)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("shape", [(12, 60), pytest.param((3, 1000), marks=pytest.mark.slow)])
def test_what_is_detectable_is_refuted_in_90_percent(rng, claim, shape):
    records, guesses = layout(*shape)
    epsilon = detectable(records, guesses, claim, delta=1e-5)
    critical = critical_count(Coins(records, guesses, np.zeros(shape[0])), claim, 0.05)
    mu = gaussian_mu(epsilon, 1e-5)

    def refuted(mu):
        return np.mean([guess(rng, mu, *shape).correct.sum() >= critical for _ in range(800)])

    # The number of correct guesses is only nearly binomial, and 800 audits are few.
    assert refuted(mu) == pytest.approx(0.9, abs=0.05)
    assert refuted(0.7 * mu) < 0.75


def test_more_coins_detect_less_and_a_stricter_level_more():
    found = [
        detectable(*layout(n, 60), CLAIMS[1], delta=1e-5, level=level)
        for n, level in [(60, 0.05), (12, 0.05), (12, 0.001)]
    ]
    assert 1.0 < found[0] < found[1] < found[2]


def test_a_claim_above_the_ceiling_is_never_refuted():
    records, guesses = layout(12, 60)
    top = ceiling(records, guesses, delta=1e-5)
    assert detectable(records, guesses, (top + 0.01, 1e-5), delta=1e-5) is None
    assert detectable(records, guesses, (top - 0.01, 1e-5), delta=1e-5) > top
    top = ceiling(records, guesses, delta=1e-5, gaussian=True)
    above = TradeOff.gaussian(gaussian_mu(top + 0.01, 1e-5))
    assert detectable(records, guesses, above, delta=1e-5) is None


def test_guesses_about_one_side_are_as_often_correct_as_twice_as_many_about_both():
    """So guesses about one side are weaker than as many about both: their scores are less extreme."""
    layout = np.array([200]), np.array([40])
    one, both = (
        detectable(*layout, (1.0, 1e-5), delta=1e-5, one_sided=side) for side in (True, False)
    )
    assert one > both
    assert p_correct(1.5, 200, 80) == pytest.approx(_highest(1.5, 200, 40), abs=0.01)


def _highest(mu, n_records, n_guesses, repeats=2000):
    """Draw the fraction of members among the highest scores."""
    rng = np.random.default_rng(0)
    member = rng.random((repeats, n_records)) < 0.5
    order = np.argsort(rng.normal(size=member.shape) + mu * member, axis=1)[:, -n_guesses:]
    return np.take_along_axis(member, order, axis=1).mean()
