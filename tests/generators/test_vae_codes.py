"""A fitted VAE: its codes, its samples, and its stored state."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save
from scipy.stats import chisquare

from privbench.data import Data, DataSpec
from privbench.generators.vae import posterior

from .problems import (
    FREQUENCY,
    MIXED,
    PATTERNS,
    SMALL,
    SPECS,
    assert_same,
    network_of,
    records,
    rng_of,
)


@pytest.mark.parametrize("kind", SPECS)
def test_decoded_records_are_of_their_kind(kind):
    spec = SPECS[kind]
    codes = 5 * rng_of().normal(size=(50, 2)).astype(np.float32)
    decoded = SMALL.fit(records(spec), rng_of()).decode(codes)
    assert decoded.shape == (50, *spec.shape)
    assert decoded.dtype == np.float32
    if spec.kind != "tabular":
        assert decoded.min() >= 0
        assert decoded.max() <= 1
    for column in spec.columns:
        block = decoded[:, slice(*column.features)]
        if column.type == "categorical":
            assert block.min() >= 0
            np.testing.assert_allclose(block.sum(axis=1), 1, atol=1e-6)


def test_encode_depends_on_each_record_alone(on_mixed):
    data, order = records(MIXED), rng_of().permutation(20)
    codes = on_mixed.encode(data)
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, on_mixed.encode(data))
    np.testing.assert_allclose(codes[order], on_mixed.encode(data.take(order)), atol=1e-6)
    relabelled = Data(data.x, 2 - data.y, MIXED)
    np.testing.assert_array_equal(codes, on_mixed.encode(relabelled))


def test_decode_depends_on_each_code_alone(on_mixed):
    codes = rng_of().normal(size=(20, 2))
    decoded, order = on_mixed.decode(codes), rng_of().permutation(20)
    np.testing.assert_array_equal(decoded, on_mixed.decode(codes))
    np.testing.assert_allclose(decoded[order], on_mixed.decode(codes[order]), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 20, 100])
def test_the_posterior_does_not_depend_on_the_batches(on_mixed, batch_size):
    network, x = network_of(SMALL, on_mixed, MIXED), records(MIXED).x
    mean, variance = posterior(network, x, np.zeros(len(x), np.int64), batch_size)
    with torch.no_grad():
        expected, log_variance = network.encode(torch.tensor(x))
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    np.testing.assert_allclose(variance, log_variance.exp(), rtol=1e-5)
    np.testing.assert_allclose(mean, on_mixed.encode(records(MIXED)), atol=1e-6)


def test_samples_have_the_frequencies_of_the_training_set(on_patterns):
    counts = np.bincount(on_patterns.sample(2000, rng_of()).y, minlength=4)
    assert counts[2] == 0
    used = FREQUENCY > 0
    assert chisquare(counts[used], 2000 * FREQUENCY[used]).pvalue > 1e-3


def test_samples_of_a_class_resemble_the_class(on_patterns):
    drawn = on_patterns.sample(1000, rng_of())
    distance = ((drawn.x[:, None] - PATTERNS) ** 2).sum(axis=-1)  # (n, classes)
    assert (distance.argmin(axis=1) == drawn.y).mean() > 0.9


def test_shapes_and_types_of_samples(on_mixed):
    drawn = on_mixed.sample(7, rng_of())
    assert (drawn.x.shape, drawn.x.dtype) == ((7, 8), np.float32)
    assert (drawn.y.shape, drawn.y.dtype) == ((7,), np.int64)
    assert drawn.spec == MIXED
    assert len(on_mixed.sample(0, rng_of())) == 0


def test_samples_follow_from_the_rng(on_mixed):
    first, again, other = (on_mixed.sample(9, rng_of(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize("kind", SPECS)
def test_a_stored_vae_is_restored(kind):
    data = records(SPECS[kind])
    fitted = SMALL.fit(data, rng_of())
    restored = SMALL.restore(load(save(fitted.state())), data.spec)
    assert_same(fitted, restored)
    codes = fitted.encode(data)
    np.testing.assert_array_equal(codes, restored.encode(data))
    np.testing.assert_array_equal(fitted.decode(codes), restored.decode(codes))
    np.testing.assert_array_equal(fitted.sample(9, rng_of(1)).x, restored.sample(9, rng_of(1)).x)


def test_restoring_leaves_the_state_as_it_was(on_mixed):
    state = on_mixed.state()
    names = list(state)
    SMALL.restore(state, MIXED)
    assert list(state) == names


@pytest.mark.parametrize(
    ("params", "spec"),
    [
        ({"latent_dim": 3}, MIXED),
        ({"hidden": 9}, MIXED),
        ({}, DataSpec("tabular", (8,), 3)),
        ({}, DataSpec("binary", (8,), 3)),
    ],
)
def test_the_state_of_another_network_is_refused(on_mixed, params, spec):
    with pytest.raises(ValueError, match="but that of the module has"):
        SMALL.model_copy(update=params).restore(on_mixed.state(), spec)
