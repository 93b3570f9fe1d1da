"""Metric privacy: the law of its noise, its metric, and its guarantee."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import expon, gamma, kstest

from privbench.data import DataSpec
from privbench.mechanisms.metric_privacy import (
    MetricPrivacy,
    clip_to_ball,
    laplace_ball,
    mean_and_scale,
)
from privbench.privacy import GuaranteeContext

N = 20_000


def noise(dimensions=6, epsilon=2.0, seed=0):
    return laplace_ball((N, dimensions), epsilon, np.random.default_rng(seed))


def context(fitted_on="none"):
    return GuaranteeContext(DataSpec("tabular", (4,), 2), 100, None, fitted_on)


@pytest.mark.parametrize("n", [1, 2, 16])
@pytest.mark.parametrize("epsilon", [0.5, 8.0])
def test_moments(n, epsilon):
    v = noise(n, epsilon)
    norm = np.linalg.norm(v, axis=1)
    error = 5 / np.sqrt(N)  # five standard errors, in standard deviations
    assert norm.mean() == pytest.approx(n / epsilon, abs=error * np.sqrt(n) / epsilon)
    assert norm.std() == pytest.approx(np.sqrt(n) / epsilon, rel=0.05)
    assert v.var(axis=0) == pytest.approx(np.full(n, (n + 1) / epsilon**2), rel=0.1)


def test_the_norm_is_gamma_and_not_exponential():
    norm = np.linalg.norm(noise(6, 2.0), axis=1)
    assert kstest(norm, gamma(6, scale=1 / 2.0).cdf).pvalue > 1e-3
    assert kstest(norm, expon(scale=norm.mean()).cdf).pvalue < 1e-12


def test_the_direction_is_uniform_and_independent_of_the_norm():
    v = noise(5)
    norm = np.linalg.norm(v, axis=1)
    direction = v / norm[:, None]
    error = 5 / np.sqrt(5 * N)
    np.testing.assert_allclose(direction.mean(axis=0), 0, atol=error)
    np.testing.assert_allclose(direction.T @ direction / N, np.eye(5) / 5, atol=error)
    correlation = [np.corrcoef(norm, np.abs(d))[0, 1] for d in direction.T]
    np.testing.assert_allclose(correlation, 0, atol=5 / np.sqrt(N))


def test_the_sampled_density_keeps_metric_privacy():
    """Near any v the density falls as exp(-epsilon ||v||): counts in thin shells over their volume.

    That density meets the inequality: exp(-e|x - z|) <= exp(e|z - z'|) exp(-e|x - z'|).
    """
    epsilon, n = 2.0, 3
    norm = np.linalg.norm(noise(n, epsilon), axis=1)
    edges = np.linspace(0.3, 3.0, 19)
    counts, _ = np.histogram(norm, edges)
    log_density = np.log(counts / np.diff(edges**n))
    slope = np.polyfit((edges[1:] + edges[:-1]) / 2, log_density, 1, w=np.sqrt(counts))[0]
    assert slope == pytest.approx(-epsilon, rel=0.03)


def test_metric_privacy_in_one_dimension_by_counting():
    """P(z + v > t) <= exp(epsilon |z - z'|) P(z' + v > t), an equality for t above both."""
    v = np.concatenate([noise(1, 1.5, seed)[:, 0] for seed in range(10)])
    at = [((z + v) > 1.5).mean() for z in (1.0, 0.0)]
    assert at[0] / at[1] == pytest.approx(np.exp(1.5), rel=0.05)


def test_clipping_bounds_the_norm_and_keeps_what_is_inside():
    codes = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [0.0, -9.0]])
    expected = [[1.2, 1.6], [0.3, 0.4], [0.0, 0.0], [0.0, -2.0]]
    np.testing.assert_allclose(clip_to_ball(codes, 2.0), expected)


def test_apply_clips_before_the_noise():
    codes = np.full((50, 3), 100.0, dtype=np.float32)
    noisy = MetricPrivacy(epsilon=1e6, radius=2.0).apply(codes, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(noisy, axis=1), 2.0, atol=1e-3)
    free = MetricPrivacy(epsilon=1e6).apply(codes, np.random.default_rng(0))
    np.testing.assert_allclose(free, codes, atol=1e-3)


def test_apply_adds_the_noise_of_its_epsilon():
    codes = np.ones((2000, 4), dtype=np.float32)
    for epsilon in (1.0, 10.0):
        noisy = MetricPrivacy(epsilon=epsilon).apply(codes, np.random.default_rng(0))
        mean = np.linalg.norm(noisy - codes, axis=1).mean()
        assert mean == pytest.approx(4 / epsilon, rel=0.06)


MIX = np.array([[3.0, 0.0, 0.0], [2.0, 0.5, 0.0], [0.0, 1.0, 0.2]])
"""Mixing matrix of the reference codes, which makes their distribution far from isotropic."""


def gaussian_codes(n=N, seed=0):
    codes = np.random.default_rng(seed).standard_normal((n, 3)) @ MIX.T + [1.0, -2.0, 5.0]
    return codes.astype(np.float32)


def test_the_scale_is_the_root_of_the_covariance():
    codes = gaussian_codes()
    center, scale = mean_and_scale(codes)
    np.testing.assert_allclose(center, codes.mean(0), rtol=1e-4)
    np.testing.assert_allclose(scale, scale.T, atol=1e-9)
    np.testing.assert_allclose(scale @ scale, np.cov(codes.T, bias=True), rtol=1e-3)


def test_directions_without_spread_keep_some_noise():
    codes = np.zeros((50, 3), dtype=np.float32)
    np.testing.assert_allclose(mean_and_scale(codes)[1], np.eye(3))  # no spread at all
    codes[:, 0] = np.arange(50)
    sd = np.arange(50).std()
    np.testing.assert_allclose(
        mean_and_scale(codes)[1], np.diag([sd, sd / 100, sd / 100]), atol=1e-9
    )


def test_mahalanobis_noise_is_laplace_of_the_distance_that_the_covariance_gives():
    """The distance v' C^-1 v is computed from the covariance itself, without a square root of it."""
    codes, reference = gaussian_codes(seed=1), gaussian_codes(seed=2)
    mechanism = MetricPrivacy(epsilon=2.0, metric="mahalanobis")
    v = mechanism.apply_with_reference(codes, reference, np.random.default_rng(0)) - codes
    inverse = np.linalg.inv(np.cov(reference.T, bias=True))
    distance = np.sqrt(np.einsum("ni,ij,nj->n", v, inverse, v))
    assert kstest(distance, gamma(3, scale=1 / 2.0).cdf).pvalue > 1e-3
    # (n + 1) / epsilon^2 = 1 in each direction of the metric: the covariance is that of the codes
    np.testing.assert_allclose(np.cov(v.T), np.cov(reference.T), rtol=0.15, atol=0.15)


def test_the_metric_is_that_of_reference_codes_alone():
    codes, reference = gaussian_codes(40, seed=1), gaussian_codes(200, seed=2)
    mechanism = MetricPrivacy(epsilon=2.0, metric="mahalanobis")

    def noise_of(codes):
        return mechanism.apply_with_reference(codes, reference, np.random.default_rng(0)) - codes

    other = codes.copy()
    other[1:] *= 7  # the noise of the first record does not depend on the others
    np.testing.assert_array_equal(noise_of(codes)[0], noise_of(other)[0])
    with pytest.raises(TypeError, match="apply_with_reference"):
        mechanism.apply(codes, np.random.default_rng(0))


def test_mahalanobis_clips_by_its_own_metric():
    codes, reference = 100 * gaussian_codes(500, seed=1), gaussian_codes(seed=2)
    mechanism = MetricPrivacy(epsilon=1e9, metric="mahalanobis", radius=1.5)
    clipped = mechanism.apply_with_reference(codes, reference, np.random.default_rng(0))
    off = clipped - reference.mean(0)
    inverse = np.linalg.inv(np.cov(reference.T, bias=True))
    distance = np.sqrt(np.einsum("ni,ij,nj->n", off, inverse, off))
    np.testing.assert_allclose(distance, 1.5, rtol=1e-3)
    stated = mechanism.guarantee(context())
    assert (stated.kind, stated.epsilon) == ("local-dp", 3e9)
    assert "mahalanobis" in stated.accountant


def test_guarantee_unclipped_is_per_unit_distance():
    stated = MetricPrivacy(epsilon=8.0).guarantee(context())
    assert (stated.kind, stated.epsilon, stated.delta) == ("metric-dp", 8.0, 0.0)
    assert stated.short() == "ε=8 per unit distance"
    assert not any("private" in str(condition) for condition in stated.conditions)


def test_guarantee_clipped_is_local():
    stated = MetricPrivacy(epsilon=0.5, radius=3.0).guarantee(context())
    assert (stated.kind, stated.epsilon, stated.adjacency) == ("local-dp", 3.0, "local")
    assert any("labels" in condition.text for condition in stated.conditions)


@pytest.mark.parametrize("params", [{}, {"epsilon": 0.0}, {"epsilon": 1.0, "radius": 0.0}])
def test_bad_parameters(params):
    with pytest.raises(ValidationError):
        MetricPrivacy(**params)
