"""Noise on records: its distribution, and its guarantee."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from privbench.data import Data
from privbench.mechanisms.input_noise import InputNoise
from privbench.privacy import gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import LABELS_NOT_COVERED

from .datasets import BINARY, IMAGE, MIXED, ONE_HOT, UNKNOWN, context, records


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
    stated = InputNoise(noise="laplace", scale=0.5, delta=0.1).guarantee(context(spec))
    assert (stated.kind, stated.epsilon, stated.delta) == ("local-dp", pytest.approx(d / 0.5), 0.0)
    assert (stated.profile, stated.gaussian) == ((), False)
    stated = InputNoise(scale=2.0, delta=1e-6).guarantee(context(spec))
    exact = gaussian_epsilon(sigma=2.0, delta=1e-6, sensitivity=math.sqrt(d))
    assert (stated.kind, stated.epsilon, stated.delta) == ("local-dp", exact, 1e-6)
    assert stated.adjacency == "local"
    assert stated.profile == gaussian_profile(sigma=2.0, delta=1e-6, sensitivity=math.sqrt(d))
    assert stated.gaussian
    assert LABELS_NOT_COVERED in stated.conditions


@pytest.mark.parametrize("spec", [MIXED, UNKNOWN])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_there_is_no_guarantee_for_features_without_bounds(noise, spec):
    assert InputNoise(noise=noise).guarantee(context(spec)) is None


def test_laplace_epsilon_is_exact_for_the_densities_of_two_records():
    """The log-ratio of densities, for the two records at the largest distance."""
    scale, d = 0.7, 9
    stated = InputNoise(noise="laplace", scale=scale).guarantee(context(BINARY))
    points = np.random.default_rng(0).normal(scale=5, size=(1000, d))
    ratio = (np.abs(points - 1) - np.abs(points)).sum(axis=1) / scale
    assert ratio.max() <= stated.epsilon + 1e-9
    assert (np.abs(-np.ones(d) - 1) - np.abs(-np.ones(d))).sum() / scale == pytest.approx(
        stated.epsilon
    )
