"""Trade-off curves: closed forms, golden values, and consistency with epsilon and delta."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from privbench.metrics import TradeOff
from privbench.metrics.tradeoff import gaussian_epsilon_of, gaussian_mu

ALPHA = np.linspace(0, 1, 101)


def test_of_one_pair_by_hand():
    """Epsilon log 3, delta .1: the lines .9 - 3a and (.9 - a) / 3 meet at a = .225."""
    curve = TradeOff.of_profile([(math.log(3), 0.1)])
    alpha = np.array([0.0, 0.1, 0.225, 0.6, 0.9, 1.0])
    np.testing.assert_allclose(curve.type_two(alpha), [0.9, 0.6, 0.225, 0.1, 0.0, 0.0], atol=1e-15)


def test_a_profile_is_the_maximum_of_its_pairs():
    points = [(0.5, 0.05), (2.0, 1e-3)]
    each = [TradeOff.of_profile([point]).type_two(ALPHA) for point in points]
    whole = TradeOff.of_profile(points).type_two(ALPHA)
    np.testing.assert_array_equal(whole, np.maximum(*each))
    assert ((whole > each[0]).any(), (whole > each[1]).any()) == (True, True)


def test_of_many_pairs_reference(rng):
    """The maximum of all lines, one after another, for pairs of which most are of no use."""
    for _ in range(50):
        points = [
            (float(e), float(d)) for e, d in zip(5 * rng.random(8), rng.random(8) ** 3, strict=True)
        ]
        points += [(0.0, 0.4), points[0]]
        alpha = np.concatenate([ALPHA, rng.random(100)])
        expected = np.zeros_like(alpha)
        for epsilon, delta in points:
            steep = 1 - delta - np.exp(epsilon) * alpha
            flat = np.exp(-epsilon) * (1 - delta - alpha)
            expected = np.maximum(expected, np.maximum(steep, flat))
        found = TradeOff.of_profile(points).type_two(alpha)
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_gaussian_reference():
    expected = norm.cdf(norm.ppf(1 - ALPHA) - 1.3)
    np.testing.assert_allclose(TradeOff.gaussian(1.3).type_two(ALPHA), expected, atol=1e-15)


CURVES = [
    TradeOff.gaussian(0.7),
    TradeOff.gaussian(6.0),
    TradeOff.of_profile([(1.0, 1e-2)]),
    TradeOff(points=((1.0, 0.0),), mu=1.0),
    TradeOff.of_profile([(100.0, 1e-5), (3.0, 0.1)]),
]


@pytest.mark.parametrize("curve", CURVES)
def test_curves_are_convex_falling_symmetric_and_below_chance(curve):
    beta = curve.type_two(ALPHA)
    assert (np.diff(beta) <= 0).all()
    assert (np.diff(beta, 2) >= -1e-12).all()
    assert (beta <= 1 - ALPHA + 1e-15).all()
    # f is its own inverse, wherever it falls.
    inside = (beta > 1e-6) & (ALPHA > 1e-6)
    np.testing.assert_allclose(curve.type_two(beta[inside]), ALPHA[inside], rtol=1e-6)


def test_type_two_at_one_minus_tpr_is_the_false_positive_rate():
    tpr = np.array([1e-30, 1e-3, 0.5])
    small = TradeOff.gaussian(2.0).false_positive_rate(tpr)
    np.testing.assert_allclose(small, norm.cdf(norm.ppf(tpr) - 2.0), rtol=1e-12)
    assert 0 < small[0] < 1e-30
    assert TradeOff.of_profile([(1.0, 0.0)]).false_positive_rate(1e-30) == pytest.approx(
        1e-30 / math.e
    )


@pytest.mark.parametrize("epsilon", [100.0, 1e4])
def test_large_epsilons_do_not_overflow(epsilon):
    curve = TradeOff.of_profile([(epsilon, 1e-5)])
    np.testing.assert_allclose(curve.type_two([0.0, 0.5, 1.0]), [1 - 1e-5, 0.0, 0.0], atol=1e-12)
    mu = gaussian_mu(epsilon, 1e-5)
    assert gaussian_epsilon_of(mu, 1e-5) == pytest.approx(epsilon, rel=1e-9)


@pytest.mark.parametrize(("mu", "epsilon"), [(0.45, 1.7723), (1.0, 4.3772), (2.0, 9.9973)])
def test_gaussian_golden(mu, epsilon):
    assert gaussian_epsilon_of(mu, 1e-5) == pytest.approx(epsilon, abs=5e-5)
    assert gaussian_mu(epsilon, 1e-5) == pytest.approx(mu, abs=2e-5)


@pytest.mark.parametrize("mu", [0.3, 1.0, 3.0])
def test_gaussian_epsilon_is_the_divergence(mu):
    """Delta is the integral of the positive part of N(mu, 1) - e^epsilon N(0, 1)."""
    epsilon = gaussian_epsilon_of(mu, 1e-3)
    start = epsilon / mu + mu / 2
    value, _ = quad(lambda x: norm.pdf(x - mu) - np.exp(epsilon) * norm.pdf(x), start, start + 40)
    assert value == pytest.approx(1e-3, rel=1e-6)


def test_a_gaussian_curve_touches_the_lines_of_its_epsilons():
    """Every (epsilon, delta) of a curve is a supporting line; many of them approximate the curve."""
    curve = TradeOff.gaussian(1.0)
    points = [(gaussian_epsilon_of(1.0, d), d) for d in np.geomspace(1e-9, 0.38, 400)]
    lines = TradeOff.of_profile(points).type_two(ALPHA)
    assert (lines <= curve.type_two(ALPHA) + 1e-12).all()
    np.testing.assert_allclose(lines, curve.type_two(ALPHA), atol=2e-4)


def test_no_noise_no_curve_and_no_shift():
    assert gaussian_epsilon_of(0.0, 1e-5) == 0.0
    assert gaussian_epsilon_of(gaussian_mu(0.0, 1e-5), 1e-5) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(TradeOff.gaussian(0.0).type_two(ALPHA), 1 - ALPHA, atol=1e-15)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: TradeOff(),
        lambda: TradeOff.of_profile([]),
        lambda: TradeOff.of_profile([(-1.0, 0.0)]),
        lambda: TradeOff.of_profile([(1.0, 1.5)]),
        lambda: TradeOff.gaussian(-1.0),
        lambda: TradeOff.gaussian(math.nan),
        lambda: gaussian_mu(1.0, 0.0),
        lambda: gaussian_mu(math.inf, 1e-5),
        lambda: gaussian_epsilon_of(-1.0, 1e-5),
        lambda: gaussian_epsilon_of(1.0, 1.0),
    ],
)
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"mu|epsilon"):
        bad()
