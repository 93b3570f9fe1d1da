"""Empirical Bayes: against simulations of its model, SciPy, and Gaussian conditioning."""

import numpy as np
import pytest
from scipy.special import polygamma
from scipy.stats import t as student

from privbench.attacks.moments import Moments
from privbench.attacks.shrinkage import (
    MAX_FREEDOM,
    Gap,
    Posterior,
    Prior,
    gap_sums,
    inverse_trigamma,
    log_cdf,
    log_density,
    log_variance_sums,
)


def column(value):
    return np.array([[float(value)]])


def moments_of(values, used=None, leave_one_out=False):
    used = np.ones(values.shape, dtype=bool) if used is None else used
    return Moments.of(values, used, leave_one_out=leave_one_out)


def simulated_variances(rng, d0, scale, n):
    """Draw variances from a scaled inverse chi-squared distribution."""
    return d0 * scale / rng.chisquare(d0, n)


def fit(moments, smallest=1e-12):
    return Prior.fit(log_variance_sums(moments, column(smallest)))


@pytest.mark.parametrize("y", [1e-4, 0.1, 1.0, 3.5, 100.0, 1e6])
def test_inverse_trigamma(y):
    assert inverse_trigamma(polygamma(1, column(y)))[0, 0] == pytest.approx(y, rel=1e-8)


def test_each_inverse_is_solved_independently():
    """The other values have no effect, to the last bit."""
    values = np.array([[1e-6], [0.3], [50.0], [1e6]])
    alone = [inverse_trigamma(value[None])[0] for value in values]
    np.testing.assert_array_equal(inverse_trigamma(values), alone)


def test_trigamma_reaches_zero_at_infinity():
    assert inverse_trigamma(column(0))[0, 0] == np.inf


@pytest.mark.parametrize(("d0", "scale"), [(1.0, 1.0), (4.0, 3.0), (20.0, 0.01)])
def test_the_prior_is_recovered(d0, scale):
    """Records have 0 to 7 values, so some carry no information about the variance."""
    rng = np.random.default_rng(0)
    n = 100_000
    values = rng.normal(size=(7, n)) * np.sqrt(simulated_variances(rng, d0, scale, n))
    used = np.arange(7)[:, None] < rng.integers(0, 8, n)
    prior = fit(moments_of(values + 5, used))
    assert prior.freedom[0, 0] == pytest.approx(d0, rel=0.1)
    assert prior.scale[0, 0] == pytest.approx(scale, rel=0.03)


def test_equal_variances_leave_nothing_to_individual_records():
    """Sample variances that differ less than sampling noise imply an infinite d0."""
    values = np.tile(np.linspace(-3, 3, 6)[:, None], 500)
    moments = moments_of(values)
    prior = fit(moments)
    assert prior.freedom[0, 0] == MAX_FREEDOM
    scale, freedom = prior.posterior(moments)
    assert freedom[0, 0] == MAX_FREEDOM + 5
    # The sampling bias of a log variance makes the scale a little larger than the sample variance.
    bias = np.exp(np.log(5 / 2) - polygamma(0, 5 / 2))
    np.testing.assert_allclose(prior.scale, values.var(axis=0, ddof=1)[0] * bias, rtol=1e-3)
    np.testing.assert_allclose(scale / prior.scale, 1, rtol=1e-3)


def test_each_target_has_a_prior_without_its_own_row():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 200)) * np.exp(rng.normal(size=200))
    used = rng.random((5, 200)) < 0.7
    estimate = fit(moments_of(values, used, leave_one_out=True))
    for target in range(5):
        others = np.arange(5) != target
        alone = fit(moments_of(values[others], used[others]))
        np.testing.assert_allclose(estimate.freedom[target], alone.freedom[0], rtol=1e-8)
        np.testing.assert_allclose(estimate.scale[target], alone.scale[0], rtol=1e-8)


def test_the_smallest_variance_is_each_targets_own():
    moments = moments_of(np.zeros((4, 9)), leave_one_out=True)
    smallest = np.array([[1e-6], [1e-3], [1.0], [1e3]])
    prior = Prior.fit(log_variance_sums(moments, smallest))
    np.testing.assert_allclose(prior.scale / prior.scale[0], smallest / smallest[0], rtol=1e-9)


def test_posterior_variance_by_its_formula():
    values = np.array([[1.0, 4.0, 7.0], [3.0, 4.0, 0.0], [8.0, 0.0, 0.0]])
    used = np.array([[True, True, False], [True, False, False], [True, False, False]])
    scale, freedom = Prior(column(6), column(2)).posterior(moments_of(values, used))
    np.testing.assert_allclose(freedom, [[6 + 2, 6, 6]])
    np.testing.assert_allclose(scale, [[(6 * 2 + 9 + 1 + 16) / 8, 2, 2]])


def test_the_posterior_beats_the_sample_and_the_common_variance():
    """The log posterior variance has the smallest squared error where records have few values."""
    rng = np.random.default_rng(0)
    truth = simulated_variances(rng, 4.0, 1.0, 20_000)
    moments = moments_of(rng.normal(size=(5, 20_000)) * np.sqrt(truth))
    prior = fit(moments)
    guesses = [prior.posterior(moments)[0], moments.squares / 4, prior.scale]
    shrunk, sample, common = (np.mean((np.log(g) - np.log(truth)) ** 2) for g in guesses)
    assert shrunk < 0.8 * min(sample, common)


@pytest.mark.parametrize("freedom", [0.5, 3.0, 40.0, MAX_FREEDOM])
def test_student_against_scipy(freedom):
    value = np.linspace(-30, 30, 61)[None]
    args = value, column(1.5), column(4.0), column(freedom)
    expected = student(freedom, loc=1.5, scale=2)
    np.testing.assert_allclose(
        log_density(*args) - np.log(np.pi) / 2, expected.logpdf(value), rtol=1e-7
    )
    np.testing.assert_allclose(log_cdf(*args), expected.logcdf(value), rtol=1e-7)


def test_log_cdf_keeps_both_tails_apart():
    values = log_cdf(np.array([[-50.0, -40.0, 40.0, 50.0]]), column(0), column(1), column(20))
    assert (np.diff(values) > 0).all()
    assert (values < 0).all()
    assert np.isfinite(log_cdf(column(-1e9), column(0), column(1), column(MAX_FREEDOM))).all()


def posterior(mean, precision, scale=1.0, freedom=5.0):
    return Posterior(column(mean), column(scale), column(freedom), column(precision))


def test_posterior_of_both_by_its_formula():
    values = np.array([[1.0, 5.0], [3.0, 0.0]])
    used = np.array([[True, True], [True, False]])
    estimate = Posterior.of(moments_of(values, used), Prior(column(3), column(2)))
    np.testing.assert_allclose(estimate.mean, [[2, 5]])
    np.testing.assert_allclose(estimate.scale, [[(3 * 2 + 2) / 4, 2]])
    np.testing.assert_allclose(estimate.precision, [[2 / 2, 1 / 2]])
    np.testing.assert_allclose(estimate.freedom, [[4, 3]])


def test_the_gap_is_recovered():
    """The variance of the true gaps is estimated without the sampling noise of few shadows."""
    rng = np.random.default_rng(0)
    n = 100_000
    centre, gaps = 5 * rng.normal(size=n), 1.5 + 0.7 * rng.normal(size=n)
    member = rng.random((9, n)) < 0.5
    values = centre + gaps * member + 2 * rng.normal(size=(9, n))
    sides = [moments_of(values, used) for used in (member, ~member)]
    posteriors = [Posterior.of(moments, fit(moments)) for moments in sides]
    gap = Gap.fit(gap_sums(*posteriors))
    assert gap.mean[0, 0] == pytest.approx(1.5, abs=0.03)
    assert gap.variance[0, 0] == pytest.approx(0.49, abs=0.07)


def test_a_gap_that_does_not_differ_has_no_variance():
    inside, outside = (
        Posterior(np.full((1, 9), m), np.ones((1, 9)), np.ones((1, 9)), np.full((1, 9), 4.0))
        for m in (3.0, 1.0)
    )
    gap = Gap.fit(gap_sums(inside, outside))
    assert gap.mean[0, 0] == 2
    assert gap.variance[0, 0] == 0


def test_the_gap_counts_records_with_both_sides():
    inside = Posterior(*np.array([[[4.0, 9.0, 5.0]], [[1.0] * 3], [[1.0] * 3], [[1.0, 0.0, 2.0]]]))
    outside = Posterior(*np.array([[[1.0, 2.0, 3.0]], [[1.0] * 3], [[1.0] * 3], [[4.0, 1.0, 1.0]]]))
    # Records 0 and 2: differences 3 and 2, of sampling variance 1 + 1/4 and 1/2 + 1.
    np.testing.assert_allclose(gap_sums(inside, outside)[:, 0], [2, 5, 13, 2.75])


def conditioned(same, opposite, gap, sign):
    """Return mean and variance of the next value of one side, by Gaussian conditioning.

    The unknowns are the opposite centre, with a nearly flat prior, and the gap; the centre is their
    sum.
    """
    flat = 1e6
    prior = np.diag([flat, gap.variance[0, 0]])
    to_same, to_opposite = np.array([1.0, sign]), np.array([1.0, 0.0])
    seen = np.stack([to_same, to_opposite])
    noise = np.diag([1 / same.precision[0, 0], 1 / opposite.precision[0, 0]])
    gain = to_same @ prior @ seen.T @ np.linalg.inv(seen @ prior @ seen.T + noise)
    centre = np.array([0.0, gap.mean[0, 0]])
    mean = to_same @ centre + gain @ ([same.mean[0, 0], opposite.mean[0, 0]] - seen @ centre)
    variance = to_same @ prior @ to_same - gain @ seen @ prior @ to_same
    return mean, variance + same.scale[0, 0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("variance", [0.0, 0.3, 5.0])
def test_prediction_by_gaussian_conditioning(sign, variance):
    same, opposite = posterior(2.0, precision=3.0, scale=0.7), posterior(-1.0, precision=1.5)
    gap = Gap(column(1.2), column(variance))
    centre, scale = gap.predict(same, opposite, sign)
    expected = conditioned(same, opposite, gap, sign)
    np.testing.assert_allclose([centre[0, 0], scale[0, 0]], expected, rtol=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_limits_of_the_prediction(sign):
    same, opposite = posterior(2.0, precision=3.0), posterior(-1.0, precision=1.0)
    nothing = posterior(0.0, precision=0.0)
    pooled = Gap(column(1.0), column(0.0))
    same_only = Gap(column(1.0), column(1e12))
    some = Gap(column(1.0), column(0.5))
    moved = -1.0 + sign

    def predict(gap, same, opposite):
        return [float(estimate[0, 0]) for estimate in gap.predict(same, opposite, sign)]

    assert predict(pooled, same, opposite) == pytest.approx([(3 * 2 + moved) / 4, 1 + 1 / 4])
    assert predict(same_only, same, opposite) == pytest.approx([2.0, 1 + 1 / 3])
    assert predict(some, same, nothing) == pytest.approx([2.0, 1 + 1 / 3])
    assert predict(some, nothing, opposite) == pytest.approx([moved, 1 + 1 + 0.5])
    assert predict(some, nothing, nothing) == pytest.approx([0.0, 2.0])
