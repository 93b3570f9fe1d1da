"""The class prior against loops, and the law of its draws."""

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from privbench.generators.class_prior import ClassPrior
from privbench.generators.vae import posterior

from .problems import MIXED, SMALL, network_of, records, rng_of


def random_codes(n=60, k=4, offset=0.0, spread=1.0):
    """Labels of the classes 0, 1 and 3; class 3 has one record."""
    rng = rng_of()
    y = np.append(rng.integers(0, 2, n - 1), 3)
    mean = (offset + spread * (rng.normal(size=(n, 2)) + y[:, None])).astype(np.float32)
    variance = (spread**2 * rng.uniform(0.1, 2, (n, 2))).astype(np.float32)
    return mean, variance, y, k


@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (20.0, 0.01), (1000.0, 0.1)])
def test_the_class_prior_follows_the_law_of_total_variance(offset, spread):
    mean, variance, y, k = random_codes(offset=offset, spread=spread)
    prior = ClassPrior.fit(mean, variance, y, k)
    for label in (0, 1, 3):
        means, variances = mean[y == label].astype(float), variance[y == label].astype(float)
        total = variances.mean(axis=0) + means.var(axis=0)
        assert prior.frequency[label] == (y == label).mean()
        np.testing.assert_allclose(prior.mean[label], means.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(prior.sd[label], np.sqrt(total), rtol=1e-5)


def test_equal_codes_have_no_spread():
    """Where rounding makes the difference of squares negative, its root would be NaN."""
    mean = np.tile(rng_of().normal(0, 30, 50).astype(np.float32), (1001, 1))
    prior = ClassPrior.fit(mean, np.zeros_like(mean), np.zeros(1001, dtype=np.int64), 1)
    np.testing.assert_allclose(prior.sd, 0, atol=1e-4)


def test_a_class_without_records_is_never_drawn():
    prior = ClassPrior.fit(*random_codes())
    assert prior.frequency[2] == 0
    assert np.isfinite(prior.mean).all()
    assert np.isfinite(prior.sd).all()
    assert 2 not in prior.sample(2000, rng_of())[1]


def test_the_class_prior_of_a_fit_is_that_of_its_records(on_mixed):
    data = records(MIXED)
    moments = posterior(network_of(SMALL, on_mixed, MIXED), data.x, data.y)
    expected, state = ClassPrior.fit(*moments, data.y, 3), on_mixed.state()
    np.testing.assert_array_equal(state["frequency"], expected.frequency)
    np.testing.assert_allclose(state["mean"], expected.mean, atol=1e-6)
    np.testing.assert_allclose(state["sd"], expected.sd, atol=1e-6)


def test_codes_are_drawn_from_the_gaussian_of_their_class():
    frequency = np.array([0.2, 0.0, 0.8])
    mean = np.array([[1.0, -2.0], [99.0, 99.0], [0.0, 5.0]], dtype=np.float32)
    sd = np.array([[0.5, 2.0], [1.0, 1.0], [3.0, 0.0]], dtype=np.float32)
    codes, y = ClassPrior(frequency, mean, sd).sample(5000, rng_of())
    assert chisquare(np.bincount(y)[[0, 2]], [1000, 4000]).pvalue > 1e-3
    for label, column in [(0, 0), (0, 1), (2, 0)]:
        law = ("norm", (mean[label, column], sd[label, column]))
        assert kstest(codes[y == label, column], *law).pvalue > 1e-3
    np.testing.assert_array_equal(codes[y == 2, 1], 5.0)
    assert abs(np.corrcoef(codes[y == 0].T)[0, 1]) < 5 / np.sqrt(1000)
