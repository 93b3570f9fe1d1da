"""DP-SGD's own recipe, public start and augmented copies: in both engines, and in the guarantee."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from privbench.data import Data, DataSpec
from privbench.engine import TrainingSets
from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingTask
from privbench.mechanisms.dp_sgd import DpSgd
from privbench.models.cnn import Cnn
from privbench.models.mlp import Mlp
from privbench.privacy import GuaranteeContext

SPEC = DataSpec("tabular", (6,), 3)
IMAGES = DataSpec("image", (1, 8, 8), 3)
OWN = {"lr": 0.3, "momentum": 0.5, "epochs": 3, "batch_size": 10}
NOISE = {"noise_multiplier": 0.8, "max_grad_norm": 0.3}


def records(n, spec=SPEC, seed=0):
    """Records whose class can be learned, from the same classes for every seed."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, spec.n_classes, n)
    centers = np.random.default_rng(99).normal(size=(spec.n_classes, *spec.shape))
    return Data((centers[y] + 0.5 * rng.normal(size=(n, *spec.shape))).astype("float32"), y, spec)


def task(model, spec=SPEC, n=40, models=3):
    data = records(2 * n, spec)
    index = np.stack([np.random.default_rng(i).permutation(2 * n)[:n] for i in range(models)])
    return TrainingTask(
        model=model,
        spec=spec,
        sets=TrainingSets.shared(data.x, data.y, index),
        reference=records(60, spec, seed=1),
        seeds=list(range(models)),
        device="cpu",
        progress=lambda done, total: None,
    )


def trained(mechanism, model, spec=SPEC):
    return mechanism.train_population(task(model, spec)).params


def assert_same(found, expected):
    for name, stacked in found.items():
        torch.testing.assert_close(stacked, expected[name], atol=1e-4, rtol=1e-3)


def differ(found, other):
    return any(not torch.allclose(found[name], other[name], atol=1e-3) for name in found)


MODEL = Mlp(hidden=[8], lr=0.05, momentum=0.9, epochs=2, batch_size=8)


@pytest.mark.parametrize("engine", ["batched", "opacus"])
def test_its_own_recipe_is_that_of_a_model_that_has_it(engine):
    own = trained(DpSgd(engine=engine, **NOISE, **OWN), MODEL)
    assert_same(own, trained(DpSgd(engine=engine, **NOISE), MODEL.model_copy(update=OWN)))


@pytest.mark.parametrize("pretrained_on", ["none", "reference"])
def test_both_engines_follow_it(pretrained_on):
    at_once, one_by_one = (
        trained(DpSgd(engine=engine, pretrained_on=pretrained_on, **NOISE, **OWN), MODEL)
        for engine in ("batched", "opacus")
    )
    assert_same(at_once, one_by_one)


@pytest.mark.parametrize("key", OWN)
@pytest.mark.parametrize("engine", ["batched", "opacus"])
def test_every_part_of_it_matters(engine, key):
    before = trained(DpSgd(engine=engine, **NOISE), MODEL)
    assert differ(before, trained(DpSgd(engine=engine, **NOISE, **{key: OWN[key]}), MODEL))


def test_momentum_is_of_sgd_only():
    adam = MODEL.model_copy(update={"optimizer": "adam"})
    assert DpSgd(momentum=0.5, **NOISE).recipe(adam) == adam.recipe()
    assert DpSgd(lr=0.5, **NOISE).recipe(adam) == replace(adam.recipe(), lr=0.5)


def context(model):
    return GuaranteeContext(SPEC, 1500, model, "none")


@pytest.mark.parametrize("params", [{"epsilon": 4.0}, {"noise_multiplier": 1.0}])
def test_the_guarantee_is_that_of_its_own_recipe(params):
    own = {**OWN, "batch_size": 100}
    stated = DpSgd(**params, **own).guarantee(context(MODEL))
    assert stated == DpSgd(**params).guarantee(context(MODEL.model_copy(update=own)))
    if "noise_multiplier" in params:
        assert stated.epsilon != DpSgd(**params).guarantee(context(MODEL)).epsilon
    public = {"pretrained_on": "reference", "augment_multiplicity": 4}
    assert stated == DpSgd(**params, **own, **public).guarantee(context(MODEL))


def accuracy(population, data):
    return float((population.predict(data.x).argmax(-1) == data.y).mean())


@pytest.mark.parametrize("engine", ["batched", "opacus"])
def test_with_next_to_no_learning_it_stays_at_the_public_start(engine):
    model = Mlp(hidden=[8], lr=0.1, epochs=20, batch_size=8)
    still = {"engine": engine, "lr": 1e-9, "noise_multiplier": 1.0}
    fresh = DpSgd(**still).train_population(task(model))
    public = DpSgd(**still, pretrained_on="reference").train_population(task(model))
    test = records(300, seed=2)
    assert accuracy(public, test) > 0.9 > accuracy(fresh, test)
    everything = torch.arange(60).expand(3, -1).contiguous()
    alone = task(model).subtask(0, 2)
    sets = TrainingSets.shared(alone.reference.x, alone.reference.y, everything)
    assert_same(public.params, alone.train(sets=sets).params)


def test_the_public_start_does_not_depend_on_private_records():
    still = DpSgd(lr=1e-9, pretrained_on="reference", noise_multiplier=1e-6)
    whole = task(MODEL)
    other = TrainingSets.shared(*(records(80, seed=5).x, whole.sets.y, whole.sets.index))
    assert_same(
        still.train_population(whole).params,
        still.train_population(replace(whole, sets=other)).params,
    )


def test_a_public_start_is_followed_by_private_steps():
    public = {"pretrained_on": "reference", "noise_multiplier": 0.1}
    still, moved = (trained(DpSgd(lr=lr, **public), MODEL) for lr in (1e-9, 0.5))
    assert differ(still, moved)


@pytest.mark.parametrize("engine", ["batched", "opacus"])
def test_with_the_same_start_all_models_begin_as_the_first_does(engine):
    still = {"engine": engine, "lr": 1e-9, "pretrained_on": "reference", "noise_multiplier": 1e-6}
    apart = DpSgd(**still).train_population(task(MODEL))
    together = DpSgd(**still, same_start=True).train_population(task(MODEL))
    for name, weights in together.params.items():
        for model in range(len(together)):
            torch.testing.assert_close(weights[model], apart.params[name][0], atol=1e-6, rtol=0)
    moved = {**still, "lr": 0.5, "noise_multiplier": 0.1, "same_start": True}
    weights = next(iter(DpSgd(**moved).train_population(task(MODEL)).params.values()))
    assert not torch.allclose(weights[0], weights[1], atol=1e-3)  # own batches and noise


def test_the_same_start_is_a_public_one():
    with pytest.raises(ValueError, match='needs pretrained_on = "reference"'):
        DpSgd(**NOISE, same_start=True)


def test_progress_covers_both_trainings():
    seen = []
    counted = replace(task(MODEL), progress=lambda *counts: seen.append(counts))
    DpSgd(pretrained_on="reference", **NOISE).train_population(counted)
    shares = [done / total for done, total in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert min(shares) < 0.5 < shares[-2]


AUGMENTED = Cnn(flip=True, crop=1, epochs=2, batch_size=8)


def test_augmentation_and_multiplicity_need_each_other():
    copies = DpSgd(augment_multiplicity=2, **NOISE)
    assert copies.skip(IMAGES, AUGMENTED) == ""
    assert "augment_multiplicity needs a model with augmentation" in copies.skip(IMAGES, Cnn())
    assert "without augmentation" in DpSgd(**NOISE).skip(IMAGES, AUGMENTED)
    assert "float32" in copies.skip(IMAGES, AUGMENTED.model_copy(update={"precision": "bf16"}))


def test_opacus_has_no_augmented_copies():
    with pytest.raises(Incompatible, match="Opacus cannot average gradients over augmented copies"):
        trained(DpSgd(engine="opacus", augment_multiplicity=2, **NOISE), AUGMENTED, IMAGES)


def test_the_number_of_copies_matters():
    images = task(AUGMENTED, IMAGES, n=12, models=2)
    one, four = (
        DpSgd(augment_multiplicity=k, noise_multiplier=1e-6, lr=1.0).train_population(images).params
        for k in (1, 4)
    )
    assert differ(one, four)
