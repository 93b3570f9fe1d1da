"""Intervals from draws: against quantiles of Student's t and of the beta distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, t

from privbench.metrics.interval import (
    arcsine_t,
    bootstrap_error,
    bootstrap_t,
    clopper_pearson_interval,
    t_quantile,
)


def test_copies_count_as_models_and_not_as_pairs():
    low, high = clopper_pearson_interval(0.75, 16, 10_000)
    assert (low, high) == pytest.approx((beta.ppf(0.025, 12, 5), beta.ppf(0.975, 13, 4)))


def test_without_errors_pairs_are_the_trials():
    """Rule of three and its exact form: 0.025^(1/n) for n of n."""
    low, high = clopper_pearson_interval(1.0, 16, 1200)
    assert (low, high) == pytest.approx((0.025 ** (1 / 1200), 1.0))
    low, high = clopper_pearson_interval(0.0, 16, 1200)
    assert (low, high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 1200)))


def test_quantiles_of_t():
    for n_models in (2, 16, 64):
        assert t_quantile(n_models) == pytest.approx(t.ppf(0.975, n_models - 1))


def test_arcsine_interval_of_small_spread_is_the_plain_one(rng):
    error = bootstrap_error(0.3 + 1e-4 * rng.normal(size=100_000), 16)
    low, high = arcsine_t(0.3, error, 16, 1000)
    reach = t.ppf(0.975, 15) * 1e-4 * np.sqrt(16 / 15)
    assert (low, high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=0.02 * reach)


def test_bootstrap_t_follows_the_skew_of_its_pivots(rng):
    # Pivots of mean 0 that reach further up: then the interval has to reach further down.
    pivots = rng.exponential(size=20_000) - 1
    errors = np.full(pivots.size, 1e-4)
    low, high = bootstrap_t(0.7, 1e-4, 0.7 + pivots * 1e-4, errors, 16, 1000)
    expected = 0.7 - np.quantile(pivots, [0.975, 0.025]) * 1e-4
    assert (low, high) == pytest.approx(tuple(expected), abs=2e-6)


def test_bootstrap_t_without_pivots_uses_t():
    draws, errors = np.full(1000, 0.7), np.where(np.arange(1000) < 20, 0.0, 1e-4)
    low, high = bootstrap_t(0.7, 1e-4, draws, errors, 16, 1000)
    reach = t.ppf(0.975, 15) * 1e-4
    assert (low, high) == pytest.approx((0.7 - reach, 0.7 + reach), abs=1e-6)


def test_an_attack_with_an_error_is_no_surer_than_one_without():
    draws = np.array([1.0, 0.99999] * 500)
    errors = np.where(draws < 1, 1e-5, 0.0)
    low, high = bootstrap_t(0.99999, 1e-5, draws, errors, 16, 1200)
    assert low == pytest.approx(clopper_pearson_interval(1.0, 16, 1200)[0])
    assert 0.99999 < high < 1
