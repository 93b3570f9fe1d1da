import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import expon, gamma, kstest

from privbench.data import DataSpec
from privbench.mechanisms.base import GuaranteeContext
from privbench.mechanisms.metric_privacy import MetricPrivacy, clip_to_ball, laplace_ball

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


def test_guarantee_unclipped_is_per_unit_distance():
    claim = MetricPrivacy(epsilon=8.0).guarantee(context())
    assert (claim.kind, claim.epsilon, claim.delta) == ("metric-dp", 8.0, 0.0)
    assert claim.short() == "ε=8 per unit distance"
    assert not any("private" in condition for condition in claim.conditions)


def test_guarantee_clipped_is_local():
    claim = MetricPrivacy(epsilon=0.5, radius=3.0).guarantee(context("private"))
    assert (claim.kind, claim.epsilon, claim.adjacency) == ("local-dp", 3.0, "local")
    assert "not so here: fitted on the private records" in claim.conditions[0]
    assert any("labels" in condition for condition in claim.conditions)


@pytest.mark.parametrize("params", [{}, {"epsilon": 0.0}, {"epsilon": 1.0, "radius": 0.0}])
def test_bad_parameters(params):
    with pytest.raises(ValidationError):
        MetricPrivacy(**params)
