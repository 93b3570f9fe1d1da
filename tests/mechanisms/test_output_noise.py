"""Noise on outputs: its distribution, and its guarantee."""

import numpy as np
import pytest
from scipy.stats import kstest, laplace, norm

from privbench.data import DataSpec
from privbench.mechanisms.output_noise import OutputNoise
from privbench.privacy import GuaranteeContext, gaussian_epsilon, gaussian_profile

CONTEXT = GuaranteeContext(DataSpec("tabular", (4,), 2), 100, None, "none")


def outputs(n=4000, classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), n)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [1e-3, 0.1, 10.0])
def test_noisy_outputs_are_probabilities(noise, scale):
    noisy = OutputNoise(noise=noise, scale=scale).apply(outputs(), np.random.default_rng(0))
    assert noisy.shape == (4000, 3)
    assert (noisy >= 0).all()
    np.testing.assert_allclose(noisy.sum(axis=1), 1.0)


@pytest.mark.parametrize(("noise", "law"), [("gaussian", norm), ("laplace", laplace)])
def test_the_noise_has_the_named_distribution(noise, law):
    """With two classes at 1/2, outputs differ by the difference of the draws, to first order."""
    scale = 1e-4
    half = np.full((4000, 2), 0.5)
    noisy = OutputNoise(noise=noise, scale=scale).apply(half, np.random.default_rng(0))
    difference = noisy[:, 0] - noisy[:, 1]
    reference = law(scale=scale).rvs((200_000, 2), random_state=1)
    assert kstest(difference, reference[:, 0] - reference[:, 1]).pvalue > 1e-3
    other = norm if law is laplace else laplace
    wrong = other(scale=scale).rvs((200_000, 2), random_state=1)
    assert kstest(difference, wrong[:, 0] - wrong[:, 1]).pvalue < 1e-6


def test_every_query_is_a_fresh_draw():
    rng = np.random.default_rng(0)
    mechanism, bare = OutputNoise(), outputs()
    assert not np.array_equal(mechanism.apply(bare, rng), mechanism.apply(bare, rng))


def test_the_same_rng_gives_the_same_outputs_and_bare_outputs_stay():
    bare = outputs()
    before = bare.copy()
    first, second = (OutputNoise().apply(bare, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(bare, before)


def test_laplace_guarantee():
    stated = OutputNoise(noise="laplace", scale=0.5, delta=0.1).guarantee(CONTEXT)
    assert (stated.kind, stated.epsilon, stated.delta) == ("dp", 4.0, 0.0)
    assert stated.adjacency == "replace-one"
    assert (stated.profile, stated.gaussian) == ((), False)
    assert "k times epsilon" in stated.conditions[0].text


def test_gaussian_guarantee():
    stated = OutputNoise(scale=2.0, delta=1e-6).guarantee(CONTEXT)
    exact = gaussian_epsilon(sigma=2.0, delta=1e-6, sensitivity=np.sqrt(2))
    assert (stated.epsilon, stated.delta, stated.kind) == (exact, 1e-6, "dp")
    assert OutputNoise(scale=2.0, delta=1e-3).guarantee(CONTEXT).epsilon < exact
    assert stated.profile == gaussian_profile(sigma=2.0, delta=1e-6, sensitivity=np.sqrt(2))
    assert stated.gaussian
    four = OutputNoise(scale=2.0, delta=1e-6, queries=4).guarantee(CONTEXT)
    assert four.profile == gaussian_profile(sigma=1.0, delta=1e-6, sensitivity=np.sqrt(2))


def test_no_two_outputs_differ_by_more_than_the_sensitivities():
    a, b = (
        np.eye(5),
        np.roll(np.eye(5), 1, axis=0),
    )  # corners of the simplex
    difference = np.concatenate([a - b, outputs(classes=5) - outputs(classes=5, seed=1)])
    assert np.abs(difference).sum(axis=1).max() == pytest.approx(2.0)
    assert np.linalg.norm(difference, axis=1).max() == pytest.approx(np.sqrt(2))


def test_queries_add_up():
    one, many = (OutputNoise(noise="laplace", queries=k).guarantee(CONTEXT) for k in (1, 7))
    assert many.epsilon == pytest.approx(7 * one.epsilon)
    assert one.conditions[0].text.startswith("one query (k queries")
    assert many.conditions[0].text.startswith("at most 7 queries (k queries")
    nine = OutputNoise(scale=3.0, queries=9).guarantee(CONTEXT)
    assert nine.epsilon == pytest.approx(OutputNoise(scale=1.0).guarantee(CONTEXT).epsilon)
