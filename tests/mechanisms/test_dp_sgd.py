"""DP-SGD against a loop over examples, the law of its noise and batches, and its accountant."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import cross_entropy

from privbench.components import Distribution, Entry
from privbench.data import Data, DataSpec
from privbench.engine import TrainingSets
from privbench.errors import BadInput, Incompatible
from privbench.mechanisms.base import TrainingTask
from privbench.mechanisms.dp_sgd import DpSgd
from privbench.models.base import TargetModel, TorchModel
from privbench.privacy import Condition, GuaranteeContext
from privbench.privacy.sampled_gaussian import SampledGaussianSteps, guarantee_of

SPEC = DataSpec("tabular", (6,), 3)
IMAGES = DataSpec("image", (1, 6, 6), 3)


class Small(TorchModel):
    name = "small"

    def build(self, shape, n_classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, n_classes))


class Dropped(TorchModel):
    name = "dropped"

    def build(self, shape, n_classes):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(shape), 8), nn.Dropout(0.5), nn.Linear(8, n_classes)
        )


class Convolution(TorchModel):
    name = "convolution"

    def build(self, shape, n_classes):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.GroupNorm(2, 4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, n_classes),
        )


class BatchNorm(TorchModel):
    name = "batch-norm"
    affine: bool = True

    def build(self, shape, n_classes):
        return nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8, affine=self.affine), nn.Linear(8, n_classes)
        )


class NotTorch(TargetModel):
    name = "not-torch"


def records(n, spec=SPEC, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, *spec.shape, generator=rng), torch.randint(0, 3, (n,), generator=rng)


def fresh(model, spec=SPEC):
    torch.manual_seed(0)
    return model.build(spec.shape, spec.n_classes)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def trained(mechanism, model, n=50, spec=SPEC, seed=0):
    module = fresh(model, spec)
    mechanism.train(module, *records(n, spec), model, np.random.default_rng(seed))
    return module


def slow_clipped_mean(module, x, y, bound):
    """The mean of per-example gradients, clipped in a loop."""
    total = torch.zeros_like(weights(module))
    for i in range(len(x)):
        loss = cross_entropy(module(x[i : i + 1]), y[i : i + 1])
        gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, module.parameters())])
        total += gradient * min(1.0, bound / float(gradient.norm()))
    return total / len(x)


@pytest.mark.parametrize(("model", "spec"), [(Small, SPEC), (Convolution, IMAGES)])
@pytest.mark.parametrize("bound", [0.05, 1.0, 100.0])
def test_a_step_is_the_mean_of_clipped_gradients(model, spec, bound):
    recipe = model(lr=1.0, momentum=0.0, epochs=1, batch_size=20)  # q = 1
    mechanism = DpSgd(noise_multiplier=1e-9, max_grad_norm=bound)
    step = weights(fresh(recipe, spec)) - weights(trained(mechanism, recipe, n=20, spec=spec))
    expected = slow_clipped_mean(fresh(recipe, spec), *records(20, spec), bound)
    torch.testing.assert_close(step, expected, rtol=1e-3, atol=1e-6)


def test_the_noise_has_standard_deviation_sigma_c_over_the_batch():
    recipe = Small(lr=1.0, momentum=0.0, epochs=1, batch_size=20)
    mechanism = DpSgd(noise_multiplier=3.0, max_grad_norm=0.5)
    runs = torch.stack([weights(trained(mechanism, recipe, n=20, seed=s)) for s in range(40)])
    noise = runs - runs.mean(dim=0)
    assert noise.std() == pytest.approx(3.0 * 0.5 / 20, rel=0.05)
    assert abs(float(noise.mean())) < 1e-6


def test_empty_batches_take_noisy_steps():
    """Batches of one expected record of three: 30% are empty, and the noise of 30 steps adds up."""
    recipe = Small(lr=1.0, momentum=0.0, epochs=10, batch_size=1)
    mechanism = DpSgd(
        noise_multiplier=1e6, max_grad_norm=1e-6
    )  # noise of 1, and next to no gradient
    runs = torch.stack([weights(trained(mechanism, recipe, n=3, seed=s)) for s in range(10)])
    moved = runs - weights(fresh(recipe))
    # 830 draws: the standard error is 2.5%. Without the empty steps it would be 16% less.
    assert moved.std() == pytest.approx(np.sqrt(30), rel=0.08)


def test_training_takes_poisson_batches():
    sizes = []
    recipe = Small(epochs=20, batch_size=20)
    module = fresh(recipe)
    module[0].register_forward_hook(lambda layer, args, out: sizes.append(len(args[0])))
    mechanism = DpSgd(noise_multiplier=1.0)
    mechanism.train(module, *records(210), recipe, np.random.default_rng(0))
    assert len(sizes) == 20 * (210 // 20)
    assert np.mean(sizes) == pytest.approx(20, abs=5 * np.sqrt(18 / 200))
    assert np.var(sizes) == pytest.approx(18, rel=0.5)


def test_the_same_rng_gives_the_same_weights():
    mechanism, recipe = DpSgd(noise_multiplier=1.0), Small(epochs=2, batch_size=10)
    first, again, other = (weights(trained(mechanism, recipe, seed=seed)) for seed in (1, 1, 2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.allclose(first, other)


NOISE = {"noise_multiplier": 1.0}
BUDGET = {"epsilon": 2.0}


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (NOISE, {"noise_multiplier": 2.0}),
        (NOISE, {"max_grad_norm": 0.1}),
        (BUDGET, {"epsilon": 3.0}),
        (BUDGET, {"delta": 1e-3}),
    ],
)
def test_every_parameter_changes_the_weights(base, change):
    recipe = Small(epochs=1, batch_size=10)
    before, after = (weights(trained(DpSgd(**p), recipe)) for p in (base, {**base, **change}))
    assert not torch.allclose(before, after)


@pytest.mark.parametrize(
    "recipe",
    [
        {"lr": 0.01},
        {"momentum": 0.0},
        {"weight_decay": 0.1},
        {"epochs": 3},
        {"batch_size": 5},
        {"optimizer": "adam"},
        {"optimizer": "adamw"},
    ],
)
def test_the_recipe_of_the_model_is_used(recipe):
    base = {"epochs": 2, "batch_size": 10}
    before, after = (
        weights(trained(DpSgd(noise_multiplier=1.0), Small(**r)))
        for r in (base, {**base, **recipe})
    )
    assert not torch.allclose(before, after)


def test_with_little_noise_it_learns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    y = torch.from_numpy((x @ rng.normal(size=(6, 3))).argmax(axis=1))
    recipe = Small(lr=0.5, epochs=15, batch_size=40)
    module = fresh(recipe)
    DpSgd(noise_multiplier=1e-3, max_grad_norm=5.0).train(
        module, torch.from_numpy(x), y, recipe, np.random.default_rng(0)
    )
    assert (module(torch.from_numpy(x)).argmax(dim=1) == y).float().mean() > 0.9


def context(model, n_train=1500, fitted_on="none", spec=SPEC):
    return GuaranteeContext(spec, n_train, model, fitted_on)


def test_guarantee_is_what_the_accountant_says_of_the_steps_taken():
    stated = DpSgd(noise_multiplier=1.3).guarantee(context(Small(epochs=20)))
    assert stated == guarantee_of(1.3, SampledGaussianSteps(64 / 1500, 20 * 23, 1e-5))
    assert (stated.kind, stated.adjacency, stated.delta) == ("dp", "add-remove", 1e-5)
    assert Condition("Poisson sampling") in stated.conditions


def test_a_target_epsilon_is_met():
    stated = DpSgd(epsilon=4.0).guarantee(context(Small()))
    assert 3.99 < stated.epsilon <= 4.0
    assert stated.accountant == "pld (dp-accounting)"


def test_a_batch_size_above_n_takes_every_record():
    stated = DpSgd(noise_multiplier=5.0).guarantee(
        context(Small(epochs=4, batch_size=64), n_train=30)
    )
    assert stated.accountant == "analytic Gaussian"
    trained(DpSgd(noise_multiplier=5.0), Small(epochs=1, batch_size=64), n=30)


@pytest.mark.parametrize("params", [{}, {"epsilon": 1.0, "noise_multiplier": 1.0}])
def test_exactly_one_of_epsilon_and_noise_multiplier(params):
    with pytest.raises(ValidationError, match="epsilon and noise_multiplier"):
        DpSgd(**params)
    with pytest.raises(BadInput, match=r"^defenses\.x: .*epsilon and noise_multiplier"):
        Entry(DpSgd, Distribution("privbench")).build(params, "defenses.x")


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_is_incompatible(affine):
    with pytest.raises(Incompatible, match=r"dp-sgd: 1 \(BatchNorm1d\)"):
        trained(DpSgd(noise_multiplier=1.0), BatchNorm(affine=affine))


def test_supported_models_are_not_skipped_and_skip_draws_nothing():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert DpSgd(noise_multiplier=1.0).skip(SPEC, Small()) == ""
    assert DpSgd(noise_multiplier=1.0).skip(IMAGES, Convolution()) == ""
    assert torch.rand(1) == expected


def test_models_that_are_not_torch_modules_are_skipped():
    assert "torch" in DpSgd(noise_multiplier=1.0).skip(SPEC, NotTorch())


def population(mechanism, model, spec=SPEC, n=40, models=3):
    x, y = records(2 * n, spec)
    index = torch.stack([torch.randperm(2 * n, generator=torch.Generator().manual_seed(i))[:n]
                         for i in range(models)])  # fmt: skip
    return mechanism.train_population(
        TrainingTask(
            model=model,
            spec=spec,
            sets=TrainingSets(x, y, index),
            reference=Data(x.numpy()[:2], y.numpy()[:2], spec),
            seeds=list(range(models)),
            device="cpu",
            progress=lambda done, total: None,
        )
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["dense", "images"])
def test_all_at_once_gives_the_models_of_opacus(optimizer, kind):
    model = Small if kind == "dense" else Convolution
    spec = SPEC if kind == "dense" else IMAGES
    model = model(epochs=3, batch_size=8, optimizer=optimizer, lr=0.05)
    at_once, one_by_one = (
        population(DpSgd(noise_multiplier=0.8, max_grad_norm=0.3, engine=engine), model, spec)
        for engine in ("batched", "opacus")
    )
    for name, stacked in at_once.params.items():
        torch.testing.assert_close(stacked, one_by_one.params[name], atol=1e-4, rtol=1e-3)


def test_the_engine_is_chosen_by_the_module():
    dense = DpSgd(noise_multiplier=0.8)
    torch.testing.assert_close(
        population(dense, Small(epochs=1)).params,
        population(DpSgd(noise_multiplier=0.8, engine="batched"), Small(epochs=1)).params,
    )
    dropped = population(dense, Dropped(epochs=1))
    assert len(dropped) == 3
    with pytest.raises(Incompatible, match=r'engine = "batched" cannot train this model: Dropout'):
        population(DpSgd(noise_multiplier=0.8, engine="batched"), Dropped(epochs=1))
