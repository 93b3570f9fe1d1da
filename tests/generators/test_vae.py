"""Fitting the VAE, and what it learns of data whose structure is known."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from privbench.data import Data
from privbench.engine import Batch
from privbench.generators.vae import Vae, posterior
from privbench.generators.vae_network import elbo_loss, kl

from .problems import (
    ENTROPY,
    LEARNS,
    MIXED,
    PATTERN_SPEC,
    SMALL,
    SPECS,
    assert_same,
    differ,
    fit_all,
    network_of,
    patterns,
    records,
    rng_of,
    surface,
)


@pytest.mark.parametrize("kind", SPECS)
def test_a_population_is_fitted_as_its_models_one_by_one(kind):
    sets = [records(SPECS[kind], seed=seed) for seed in range(3)]
    together = fit_all(SMALL, sets, [5, 6, 7])
    for data, seed, one in zip(sets, [5, 6, 7], together, strict=True):
        assert_same(one, SMALL.fit(data, rng_of(seed)), atol=2e-5)
        codes = one.encode(data)
        np.testing.assert_allclose(codes, SMALL.fit(data, rng_of(seed)).encode(data), atol=2e-5)


def test_a_model_does_not_depend_on_the_others():
    sets = [records(MIXED, seed=seed) for seed in range(3)]
    forward = fit_all(SMALL, sets, [5, 6, 7])
    backward = fit_all(SMALL, sets[::-1], [7, 6, 5])
    for one, again in zip(forward, backward[::-1], strict=True):
        assert_same(one, again, atol=2e-5)


def test_sets_of_several_sizes_are_fitted_one_after_another():
    sets, seen = [records(MIXED, n, seed=n) for n in (20, 13, 20)], []
    fitted = fit_all(SMALL, sets, [5, 6, 7], progress=lambda *now: seen.append(now))
    for data, seed, one in zip(sets, [5, 6, 7], fitted, strict=True):
        assert_same(one, SMALL.fit(data, rng_of(seed)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("sizes", [(20, 20), (20, 13)], ids=["equal", "unequal"])
def test_networks_are_trained_on_the_device(sizes):
    with pytest.raises(RuntimeError, match="nowhere"):
        fit_all(SMALL, [records(MIXED, n) for n in sizes], [0, 1], device="nowhere")


def test_progress_counts_the_epochs_of_models():
    seen = []
    sets = [records(MIXED, seed=seed) for seed in range(3)]
    fit_all(SMALL, sets, [0, 1, 2], progress=lambda *now: seen.append(now))
    assert {total for _, total in seen} == {9}
    assert [done for done, _ in seen] == [3, 6, 9]


def test_a_seed_decides_the_network():
    data = records(MIXED)
    assert_same(SMALL.fit(data, rng_of(3)), SMALL.fit(data, rng_of(3)))
    assert differ(SMALL.fit(data, rng_of(3)), SMALL.fit(data, rng_of(4)))
    assert differ(SMALL.fit(data, rng_of(3)), SMALL.fit(records(MIXED, seed=1), rng_of(3)))


def test_global_random_state_is_untouched():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    SMALL.fit(records(MIXED), rng_of()).sample(5, rng_of())
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


CHANGES = {
    "latent_dim": 3,
    "hidden": 9,
    "beta": 2.0,
    "epochs": 4,
    "batch_size": 7,
    "lr": 0.02,
    "conditional": True,
    "numbers": "quantile",
    "fitted_on": "dp-sgd",
}


@pytest.mark.parametrize("parameter", CHANGES)
def test_each_parameter_changes_the_answer(parameter):
    data = records(MIXED)
    changed = SMALL.model_copy(update={parameter: CHANGES[parameter]})
    before, after = (vae.fit(data, rng_of()) for vae in (SMALL, changed))
    codes, others = before.encode(data), after.encode(data)
    assert codes.shape == (20, 2)
    assert others.shape == (20, changed.latent_dim)
    decoded = before.decode_labelled(codes, data.y), after.decode_labelled(others, data.y)
    assert not np.allclose(*decoded, atol=1e-4)


@pytest.mark.parametrize("parameter", ["fit_epsilon", "fit_delta", "fit_grad_norm"])
def test_parameters_of_dp_sgd_change_the_answer(parameter):
    data, private = records(MIXED), SMALL.model_copy(update={"fitted_on": "dp-sgd"})
    changed = private.model_copy(update={parameter: 0.01})
    assert differ(private.fit(data, rng_of()), changed.fit(data, rng_of()))


@pytest.mark.parametrize(
    "params",
    [
        {"latent_dim": 0},
        {"hidden": 0},
        {"beta": -0.1},
        {"epochs": 0},
        {"batch_size": 0},
        {"lr": 0.0},
        {"lr": math.nan},
        {"betta": 1.0},
    ],
)
def test_bad_parameters(params):
    with pytest.raises(ValidationError):
        Vae(**params)


def test_the_bound_lies_between_the_entropy_and_what_independent_bits_give(on_patterns):
    """No model has fewer nats a record than the entropy of the data; 16 independent bits have 10.8.

    Without its KL term, or with half of it, the loss would fall below the entropy.
    """
    data = patterns()
    x = torch.tensor(np.repeat(data.x, 20, axis=0))
    noise = torch.randn(len(x), 2, generator=torch.Generator().manual_seed(0))
    network = network_of(LEARNS, on_patterns, PATTERN_SPEC)
    batch = Batch(x, torch.zeros(len(x)), torch.tensor(0), noise)
    loss = elbo_loss(PATTERN_SPEC, 1.0)(network, batch).mean().item()
    share = data.x.mean(axis=0)
    independent = -(share * np.log(share) + (1 - share) * np.log(1 - share)).sum()
    assert ENTROPY < loss < ENTROPY + 1.5 < independent / 3


def test_a_surface_of_two_dimensions_needs_two():
    """New points of the surface: the error beside that of predicting the mean."""
    train, new = surface(), surface(seed=1)
    ratio = {}
    for latent_dim in (1, 2):
        vae = Vae(latent_dim=latent_dim, hidden=64, epochs=30, batch_size=20, lr=0.005)
        fitted = vae.fit(train, rng_of())
        error = (fitted.decode(fitted.encode(new)) - new.x) ** 2
        ratio[latent_dim] = error.mean() / new.x.var(axis=0).mean()
    assert ratio[2] < 0.03
    assert ratio[1] > 0.1


def test_a_heavy_kl_term_makes_the_posterior_the_prior():
    """Then the decoder knows the marginals only: their means, shares and variances."""
    rng = rng_of()
    x = records(MIXED, 400).x
    x[:, 0] = rng.normal(0.7, 0.5, 400)
    x[:, 4] = rng.normal(-0.3, 2.0, 400)
    data = Data(x, rng.integers(0, 3, 400), MIXED)
    vae = Vae(latent_dim=2, hidden=8, epochs=50, batch_size=40, lr=0.02, beta=30)
    fitted = vae.fit(data, rng_of())
    np.testing.assert_allclose(fitted.encode(data), 0, atol=0.05)
    np.testing.assert_allclose(fitted.state()["mean"], 0, atol=0.05)
    np.testing.assert_allclose(fitted.state()["sd"], 1, atol=0.05)
    decoded = fitted.decode(fitted.encode(data))
    np.testing.assert_allclose(decoded, np.tile(x.mean(axis=0), (400, 1)), atol=0.1)
    log_variance = fitted.state()["network.numeric_log_variance"]
    np.testing.assert_allclose(log_variance, np.log(x[:, [0, 4]].var(axis=0)), atol=0.1)


def test_beta_trades_the_rate_of_the_codes(on_patterns):
    """The KL term bounds what codes say of records: all of the entropy where decoding is exact."""
    free, heavy = (LEARNS.model_copy(update={"beta": b}) for b in (0.0, 100.0))
    x, at_one = patterns().x, rate(LEARNS, on_patterns)
    np.testing.assert_array_equal(on_patterns.decode(on_patterns.encode(patterns())).round(), x)
    assert at_one > ENTROPY
    assert rate(free, free.fit(patterns(), rng_of(1))) > 2 * at_one
    assert rate(heavy, heavy.fit(patterns(), rng_of(1))) < 0.01


def rate(vae, fitted):
    """Mean KL term of the patterns, in nats."""
    mean, variance = posterior(network_of(vae, fitted, PATTERN_SPEC), patterns().x, patterns().y)
    return kl(torch.tensor(mean), torch.tensor(variance).log()).mean().item()
