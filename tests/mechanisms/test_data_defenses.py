"""Defenses on records: the law of their noise, and what they claim."""

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binomtest, chisquare, kstest

from privbench.data import Column, Data, DataSpec
from privbench.mechanisms.base import GuaranteeContext
from privbench.mechanisms.input_noise import InputNoise
from privbench.mechanisms.randomized_response import RandomizedResponse
from privbench.privacy import gaussian_epsilon

IMAGE = DataSpec("image", (1, 4, 4), 3)
BINARY = DataSpec("binary", (9,), 3)
ONE_HOT = DataSpec(
    "tabular",
    (5,),
    3,
    (
        Column("a", "categorical", (0, 2), ("x", "y")),
        Column("b", "categorical", (2, 5), ("x", "y", "z")),
    ),
)
MIXED = DataSpec(
    "tabular",
    (3,),
    3,
    (Column("a", "numeric", (0, 1)), Column("b", "categorical", (1, 3), ("x", "y"))),
)
UNKNOWN = DataSpec("tabular", (3,), 3)


def records(spec, n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((n, *spec.shape), dtype=np.float32)
    return Data(x, rng.integers(0, spec.n_classes, n), spec)


def labels(n_classes, n, label=None):
    spec = DataSpec("binary", (1,), n_classes)
    y = np.full(n, label) if label is not None else np.arange(n) % n_classes
    return Data(np.zeros((n, 1), np.float32), y.astype(np.int64), spec)


def context(spec):
    return GuaranteeContext(spec, 100, None, "none")


# Input noise


@pytest.mark.parametrize("scale", [0.01, 0.5, 20.0])
@pytest.mark.parametrize(("noise", "law"), [("gaussian", "norm"), ("laplace", "laplace")])
def test_input_noise_has_the_named_distribution(noise, law, scale):
    data = Data(np.zeros((500, 9), np.float32), np.zeros(500, np.int64), BINARY)
    drawn = InputNoise(noise=noise, scale=scale).apply(data, np.random.default_rng(0)).x.ravel()
    assert kstest(drawn, law, (0, scale)).pvalue > 1e-3
    other = {"norm": "laplace", "laplace": "norm"}[law]
    assert kstest(drawn, other, (0, scale)).pvalue < 1e-6


@pytest.mark.parametrize("spec", [IMAGE, BINARY, MIXED])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_input_noise_is_added_to_records_and_leaves_labels(noise, spec):
    data = records(spec)
    before = data.x.copy()
    noisy = InputNoise(noise=noise, scale=0.1).apply(data, np.random.default_rng(0))
    assert noisy.x.shape == data.x.shape
    assert noisy.x.dtype == np.float32
    assert noisy.spec == spec
    np.testing.assert_array_equal(noisy.y, data.y)
    np.testing.assert_array_equal(data.x, before)
    zeros = Data(np.zeros_like(data.x), data.y, spec)
    added = InputNoise(noise=noise, scale=0.1).apply(zeros, np.random.default_rng(0)).x
    np.testing.assert_allclose(noisy.x - data.x, added, atol=1e-6)
    assert (noisy.x != data.x).mean() > 0.99


def test_features_are_not_clipped():
    noisy = InputNoise(scale=1.0).apply(records(BINARY), np.random.default_rng(0)).x
    assert noisy.min() < -1
    assert noisy.max() > 2


def test_input_noise_follows_from_its_rng():
    first, again, other = (
        InputNoise().apply(records(IMAGE), np.random.default_rng(seed)).x for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("spec", "d"), [(IMAGE, 16), (BINARY, 9), (ONE_HOT, 5)])
def test_guarantee_of_input_noise(spec, d):
    claim = InputNoise(noise="laplace", scale=0.5, delta=0.1).guarantee(context(spec))
    assert (claim.kind, claim.epsilon, claim.delta) == ("local-dp", pytest.approx(d / 0.5), 0.0)
    claim = InputNoise(scale=2.0, delta=1e-6).guarantee(context(spec))
    exact = gaussian_epsilon(sigma=2.0, delta=1e-6, sensitivity=math.sqrt(d))
    assert (claim.kind, claim.epsilon, claim.delta) == ("local-dp", exact, 1e-6)
    assert claim.adjacency == "local"
    assert "labels are not covered" in claim.conditions


@pytest.mark.parametrize("spec", [MIXED, UNKNOWN])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_there_is_no_guarantee_for_features_without_bounds(noise, spec):
    assert InputNoise(noise=noise).guarantee(context(spec)) is None


def test_the_laplace_claim_holds_for_the_densities_of_two_records():
    """The logarithm of the ratio of densities at any point, for the two records furthest apart."""
    scale, d = 0.7, 9
    claim = InputNoise(noise="laplace", scale=scale).guarantee(context(BINARY))
    points = np.random.default_rng(0).normal(scale=5, size=(1000, d))
    ratio = (np.abs(points - 1) - np.abs(points)).sum(axis=1) / scale
    assert ratio.max() <= claim.epsilon + 1e-9
    assert (np.abs(-np.ones(d) - 1) - np.abs(-np.ones(d))).sum() / scale == pytest.approx(
        claim.epsilon
    )


# Randomised response


@pytest.mark.parametrize("k", [2, 3, 30])
@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_labels_are_kept_with_the_stated_probability(epsilon, k):
    mechanism, n = RandomizedResponse(epsilon=epsilon), 20_000
    stated = math.exp(epsilon) / (math.exp(epsilon) + k - 1)
    assert mechanism.keeps(k) == pytest.approx(stated)
    for label in (0, k - 1):
        y = mechanism.apply(labels(k, n, label), np.random.default_rng(label)).y
        kept = int((y == label).sum())
        assert binomtest(kept, n, stated).pvalue > 1e-3
        others = np.delete(np.bincount(y, minlength=k), label)
        assert len(others) == k - 1  # none is out of range
        if k > 2:
            assert chisquare(others).pvalue > 1e-3


@pytest.mark.parametrize("k", [2, 10, 100])
@pytest.mark.parametrize("epsilon", [0.01, 1.0, 8.0, 20.0])
def test_the_ratio_of_probabilities_is_e_to_the_epsilon(epsilon, k):
    keeps = RandomizedResponse(epsilon=epsilon).keeps(k)
    lies = (1 - keeps) / (k - 1)
    assert math.log(keeps / lies) == pytest.approx(epsilon, abs=1e-5)
    assert keeps >= lies


def test_limits_of_randomised_response():
    data = labels(10, 5000)
    kept = RandomizedResponse(epsilon=100).apply(data, np.random.default_rng(0))
    np.testing.assert_array_equal(kept.y, data.y)
    assert RandomizedResponse(epsilon=1e-9).keeps(10) == pytest.approx(0.1)


def test_randomised_response_leaves_records_and_its_argument():
    data = records(IMAGE)
    before = data.y.copy()
    lied = RandomizedResponse(epsilon=0.1).apply(data, np.random.default_rng(0))
    np.testing.assert_array_equal(lied.x, data.x)
    np.testing.assert_array_equal(data.y, before)
    assert lied.y.dtype == np.int64
    assert lied.spec == IMAGE
    assert set(lied.y) == {0, 1, 2}
    again, other = (
        RandomizedResponse(epsilon=0.1).apply(data, np.random.default_rng(seed)).y
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(lied.y, again)
    assert not np.array_equal(again, other)


def test_guarantee_of_randomised_response():
    claim = RandomizedResponse(epsilon=1.5).guarantee(context(MIXED))
    assert (claim.kind, claim.epsilon, claim.delta) == ("local-dp", 1.5, 0.0)
    assert claim.adjacency == "local"
    assert "only labels are covered" in claim.conditions


@pytest.mark.parametrize("params", [{}, {"epsilon": 0}, {"epsilon": -1}, {"epsilon": math.inf}])
def test_epsilon_is_a_choice_within_bounds(params):
    with pytest.raises(ValidationError, match="epsilon"):
        RandomizedResponse(**params)
