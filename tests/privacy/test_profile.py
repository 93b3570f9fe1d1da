import math

import numpy as np
import pytest

from privbench.metrics.one_run import Coins, p_value
from privbench.metrics.tradeoff import TradeOff, gaussian_log_delta
from privbench.privacy import gaussian_epsilon, gaussian_profile
from privbench.privacy.profile import COMMON_DELTA, LARGEST_DELTA, SMALLEST_DELTA, profile_of


def exponential(slope=2.0):
    """A curve whose inverse is known: delta = e^(-slope epsilon)."""
    return lambda delta: -math.log(delta) / slope, lambda epsilon: math.exp(-slope * epsilon)


def test_the_points_are_on_the_curve_and_two_deltas_are_exact():
    epsilon_of, delta_of = exponential()
    profile = profile_of(epsilon_of, delta_of, 3e-4)
    for delta in (3e-4, COMMON_DELTA):
        assert (epsilon_of(delta), delta) in profile
    for epsilon, delta in profile:
        assert delta == pytest.approx(delta_of(epsilon))
    assert list(profile) == sorted(profile)
    assert profile[0][1] == pytest.approx(LARGEST_DELTA)
    assert profile[-1][1] == pytest.approx(SMALLEST_DELTA)


def test_much_noise_has_few_points():
    """Epsilon is zero for each delta."""
    assert profile_of(lambda delta: 0.0, lambda epsilon: 1e-11, 1e-5) == ((0.0, 1e-11), (0.0, 1e-5))
    profile = gaussian_profile(sigma=1e12, delta=1e-6, sensitivity=1.0)
    assert {epsilon for epsilon, _ in profile} == {0.0}


def test_a_delta_outside_of_the_grid_is_in_the_profile():
    for delta in (0.8, 1e-30):
        assert any(pair[1] == delta for pair in profile_of(*exponential(), delta))


def test_the_profile_of_gaussian_noise_is_exact():
    profile = gaussian_profile(sigma=0.3, delta=1e-6, sensitivity=0.7)
    assert (gaussian_epsilon(sigma=0.3, delta=1e-6, sensitivity=0.7), 1e-6) in profile
    for epsilon, delta in profile:
        assert math.log(delta) == pytest.approx(gaussian_log_delta(epsilon, 0.7 / 0.3), abs=1e-6)


def test_single_guesses_refute_a_large_claim():
    """With noise of a quarter of the shift, a guess is right with probability .977 at most."""
    curve = TradeOff.of_profile(gaussian_profile(sigma=0.25, delta=1e-5, sensitivity=1.0))
    ones = np.ones(400, dtype=np.int64)
    exact = p_value(Coins(ones, ones, ones), TradeOff.gaussian(4.0))
    assert exact < 1e-3
    assert p_value(Coins(ones, ones, ones), curve) == pytest.approx(exact, rel=0.01)
