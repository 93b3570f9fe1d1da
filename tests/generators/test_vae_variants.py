"""Convolutional, conditional, quantile-transformed and private autoencoders."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from privbench.data import Data, DataSpec
from privbench.generators.vae import Vae
from privbench.generators.vae_network import VaeNetwork
from privbench.privacy import GuaranteeContext
from privbench.privacy.sampled_gaussian import SampledGaussianSteps, epsilon_of

from .problems import (
    LEARNS,
    MIXED,
    SMALL,
    SPECS,
    differ,
    fit_all,
    patterns,
    records,
    rng_of,
    surface,
)

SIDES = [(1, 8, 8), (3, 7, 5), (1, 4, 4), (2, 28, 28)]
CONVOLUTIONAL = SMALL.model_copy(update={"architecture": "convolutional"})


@pytest.mark.parametrize("shape", SIDES)
def test_convolutional_networks_take_images_of_any_size(shape):
    spec = DataSpec("image", shape, 3)
    network = VaeNetwork(spec, 2, 8, convolutional=True)
    x = torch.rand(5, *shape)
    mean, log_variance = network.encode(x)
    assert mean.shape == log_variance.shape == (5, 2)
    assert network.decode(mean).shape == (5, *shape)
    assert ((network.decode(mean) > 0) & (network.decode(mean) < 1)).all()


def test_a_convolutional_autoencoder_learns_images():
    """Better than the mean image on new points of the surface, whose variance it must explain."""
    vae = Vae(latent_dim=2, hidden=32, architecture="convolutional", epochs=40, lr=0.005)
    fitted, new = vae.fit(surface(), rng_of()), surface(seed=1)
    error = ((fitted.decode(fitted.encode(new)) - new.x) ** 2).mean()
    assert error < 0.5 * ((surface().x.mean(0) - new.x) ** 2).mean()


def test_convolutional_autoencoders_at_once_are_those_one_by_one():
    sets = [surface(40, seed) for seed in (0, 1)]
    both = fit_all(CONVOLUTIONAL, sets, [3, 4])
    for one, data, seed in zip(both, sets, (3, 4), strict=True):
        alone = CONVOLUTIONAL.fit(data, rng_of(seed))
        np.testing.assert_allclose(one.encode(data), alone.encode(data), atol=2e-5)


def test_convolutions_need_images():
    assert CONVOLUTIONAL.skip(surface(2).spec) == ""
    assert "needs images, but the data are tabular" in CONVOLUTIONAL.skip(MIXED)
    assert SMALL.skip(MIXED) == ""


def test_a_conditional_decoder_knows_the_label():
    """Each class has one pattern: the label alone says what the record is, whatever the code."""
    vae = Vae(latent_dim=1, hidden=32, epochs=80, batch_size=20, lr=0.01, conditional=True)
    data = patterns()
    fitted = vae.fit(data, rng_of())
    zero = np.zeros((4, 1), np.float32)
    present = np.array([0, 1, 3])
    decoded = fitted.decode_labelled(zero, np.arange(4))
    np.testing.assert_array_equal(decoded[present].round(), patterns().x[[0, 100, 190]])
    with pytest.raises(TypeError, match="needs the labels"):
        fitted.decode(zero)
    drawn = fitted.sample(50, rng_of())
    np.testing.assert_array_equal(
        drawn.x.round(), fitted.decode_labelled(0 * drawn.y[:, None].astype("f"), drawn.y).round()
    )


def test_quantiles_are_of_numeric_columns_only():
    data, vae = records(MIXED, 60), SMALL.model_copy(update={"numbers": "quantile"})
    fitted = vae.fit(data, rng_of())
    decoded = fitted.decode(fitted.encode(data))
    for i in (0, 4):
        assert (
            data.x[:, i].min() <= decoded[:, i].min() <= decoded[:, i].max() <= data.x[:, i].max()
        )
    restored = vae.restore(fitted.state(), MIXED)
    np.testing.assert_array_equal(restored.decode(fitted.encode(data)), decoded)
    grown = Data(data.x.copy(), data.y, MIXED)
    grown.x[:, 0] = 5 * data.x[:, 0] - 2  # the same quantiles, so the same network
    np.testing.assert_allclose(
        vae.fit(grown, rng_of()).encode(grown), fitted.encode(data), atol=1e-3
    )


@pytest.mark.parametrize("kind", ["binary", "image", "mixed"])
def test_records_outside_their_range_are_clipped_and_numbers_are_not(kind):
    data = records(SPECS[kind], 60)
    noise = 3 * rng_of(1).choice([-1.0, 1.0], data.x.shape).astype(np.float32)
    noisy = Data(data.x + noise, data.y, data.spec)
    clipped = Data(noisy.x.clip(0, 1), data.y, data.spec)
    numeric = data.spec.numeric_features
    assert differ(SMALL.fit(noisy, rng_of()), SMALL.fit(clipped, rng_of())) == bool(numeric)
    clipped.x[:, numeric] = noisy.x[:, numeric]
    fitted, other = SMALL.fit(noisy, rng_of()), SMALL.fit(clipped, rng_of())
    np.testing.assert_array_equal(fitted.encode(noisy), other.encode(clipped))


def test_noise_on_records_does_not_drive_the_decoder_to_infinity():
    """With x > 1 the likelihood of a Bernoulli feature would grow with its logit for ever."""
    data = patterns()
    noise = rng_of(1).normal(scale=0.5, size=data.x.shape).astype(np.float32)
    noisy = Data(data.x + noise, data.y, data.spec)
    fitted = LEARNS.fit(noisy, rng_of())
    assert ((fitted.decode(fitted.encode(noisy)) - data.x) ** 2).mean() < 0.1


PRIVATE = Vae(
    latent_dim=2, hidden=32, epochs=60, batch_size=20, lr=0.005, fitted_on="dp-sgd", conditional=True
)  # fmt: skip


def test_a_private_fit_learns_with_little_noise_and_not_with_much():
    def error(epsilon):
        vae = PRIVATE.model_copy(update={"fit_epsilon": epsilon})
        fitted, data = vae.fit(patterns(), rng_of()), patterns()
        decoded = fitted.decode_labelled(fitted.encode(data), data.y)
        return ((decoded - data.x) ** 2).mean()

    assert error(1e4) < 0.05
    assert error(0.01) > 0.15


def test_the_guarantee_of_a_private_fit_is_what_the_accountant_computes():
    context = GuaranteeContext(DataSpec("binary", (6,), 3), 200, None, "dp-sgd")
    stated = PRIVATE.guarantee(context)
    assert (stated.kind, stated.adjacency, stated.delta) == ("dp", "add-remove", 1e-5)
    assert 7 < stated.epsilon <= 8
    sampled = SampledGaussianSteps(0.1, 600, 1e-5)
    noise_multiplier = PRIVATE._noise_multiplier(sampled)
    assert epsilon_of(noise_multiplier, sampled) == stated.epsilon
    assert SMALL.guarantee(context) is None


def test_samples_of_a_private_fit_say_nothing_more_of_the_records():
    """Labels are uniform and codes standard normal, whatever the labels of the records."""
    fitted = PRIVATE.model_copy(update={"epochs": 1}).fit(patterns(), rng_of())
    state = fitted.state()
    np.testing.assert_array_equal(state["frequency"], [0.25] * 4)
    assert (state["mean"] == 0).all()
    assert (state["sd"] == 1).all()


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"fitted_on": "dp-sgd", "numbers": "quantile"}, "numbers"),
        ({"fitted_on": "dp-sgd", "release": "sample"}, "conditional"),
        ({"fitted_on": "public"}, "private"),
        ({"release": "copy"}, "reconstruct"),
        ({"fit_epsilon": 0}, "greater than 0"),
        ({"fit_epsilon": 2.0}, "fit_epsilon: 2 has no effect unless fitted_on"),
        ({"fit_grad_norm": 2.0, "fitted_on": "reference"}, "fit_grad_norm: 2 has no effect"),
    ],
)
def test_what_makes_no_sense_is_refused(params, says):
    with pytest.raises(ValidationError, match=says):
        Vae(**params)


def test_private_fits_differ_by_seed():
    data = patterns()
    vae = PRIVATE.model_copy(update={"epochs": 1})
    assert differ(vae.fit(data, rng_of(1)), vae.fit(data, rng_of(2)))
