"""Bounds from errors: slow references, by hand, and how often the Gaussian one errs."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from privbench.metrics import clopper_pearson, gdp_bound
from privbench.metrics.tradeoff import gaussian_mu

from .reference import slow_clopper_pearson


def test_clopper_pearson_reference():
    cases = [(0, 0), (0, 50), (50, 0), (50, 50), (30, 2), (48, 20), (10, 10), (3, 40)]
    tp, fp = np.array(cases).T
    for delta in (0.0, 1e-3):
        bound = clopper_pearson(
            true_positives=tp, members=50, false_positives=fp, nonmembers=50, delta=delta
        )
        expected = [slow_clopper_pearson(a, 50, b, 50, delta, 0.025) for a, b in cases]
        np.testing.assert_allclose(bound, expected, rtol=1e-9, atol=1e-12)


def test_clopper_pearson_by_hand():
    """No false positive among 1,000: FPR at most 1 - 0.025^(1/1000). No miss: the same for FNR."""
    rate = 1 - 0.025 ** (1 / 1000)
    bound = clopper_pearson(true_positives=1000, members=1000, false_positives=0, nonmembers=1000)
    assert bound == pytest.approx(np.log((1 - rate) / rate))


@pytest.mark.parametrize(("true", "false"), [(48, 2), (30, 0), (50, 20), (50, 0)])
def test_gdp_bound_reference(true, false):
    """The rates from the beta quantiles, mu from them, and epsilon by its definition at this mu."""
    fnr = beta.ppf(0.975, 50 - true + 1, true)
    fpr = beta.ppf(0.975, false + 1, 60 - false)
    mu = norm.ppf(1 - fpr) - norm.ppf(fnr)
    epsilon = gdp_bound(
        true_positives=true, members=50, false_positives=false, nonmembers=60, delta=1e-4
    )
    at = norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
    assert at == pytest.approx(1e-4, rel=1e-6)


@pytest.mark.parametrize(("true", "false"), [(25, 25), (2, 48), (0, 0), (50, 50)])
def test_chance_and_worse_imply_nothing(true, false):
    counts = {"true_positives": true, "members": 50, "false_positives": false, "nonmembers": 50}
    assert gdp_bound(**counts, delta=1e-5) == 0.0


def test_the_two_directions_of_a_gaussian_bound_are_the_same():
    """Calling non-members positive turns false positives into misses."""
    one = gdp_bound(true_positives=40, members=50, false_positives=3, nonmembers=70, delta=1e-5)
    other = gdp_bound(true_positives=67, members=70, false_positives=10, nonmembers=50, delta=1e-5)
    assert one == pytest.approx(other)


@pytest.mark.parametrize(("epsilon", "median"), [(4.0, 2.87), (8.0, 6.45)])
def test_gdp_golden(rng, epsilon, median):
    """480 members, 480 non-members, and the threshold half-way between them."""
    mu = gaussian_mu(epsilon, 1e-5)
    right = rng.binomial(480, norm.cdf(mu / 2), size=(300, 2))
    bounds = [
        gdp_bound(
            true_positives=a, members=480, false_positives=480 - b, nonmembers=480, delta=1e-5
        )
        for a, b in right
    ]
    assert np.median(bounds) == pytest.approx(median, abs=0.15)
    assert np.mean(np.array(bounds) > epsilon) <= 0.05
