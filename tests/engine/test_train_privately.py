"""DP-SGD of a population against a plain loop, and whatever the chunk."""

import numpy as np
import pytest
import torch

from privbench.engine import Diverged, PrivateSteps, Recipe, normal, train_each, train_privately
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.private.trainer import MIN_STEPS_TO_RECORD

from .private.problems import STEPS, Noisy, noisy_loss, one_by_one, train
from .problems import (
    CLASSES,
    MODELS,
    RECIPES,
    SEEDS,
    assert_same,
    differ,
    mlp,
    own_sets,
    shared_sets,
)


@pytest.mark.parametrize("steps", [10, MIN_STEPS_TO_RECORD])
def test_training_with_a_noisy_loss_does_not_depend_on_chunks(steps):
    private = PrivateSteps(0.2, steps, 0.7, 0.5)
    options = {"loss": noisy_loss, "random_inputs": normal(CLASSES)}
    sets, recipe = shared_sets(), RECIPES["momentum"]
    together, apart = (
        train_privately(Noisy, sets, recipe, private, SEEDS, chunk=chunk, **options)
        for chunk in (MODELS, 1)
    )
    assert_same(together, apart)
    options["random_inputs"] = lambda rng, m: np.zeros((m, CLASSES), np.float32)
    other = train_privately(Noisy, sets, recipe, private, SEEDS, **options)
    assert differ(together, other)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("sets", [shared_sets(), own_sets()], ids=["shared", "own"])
def test_the_models_are_those_of_a_plain_loop(recipe, sets):
    slow = train_each(mlp(), sets, SEEDS, one_by_one(STEPS, recipe))
    assert_same(train(sets, recipe), slow, atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_chunks_change_nothing(chunk):
    assert_same(train(chunk=chunk), train())


def test_a_model_depends_on_its_seed_and_set_only():
    sets = shared_sets()
    alone = train(type(sets)(sets.x, sets.y, sets.index[2:3]), seeds=SEEDS[2:3])
    everyone = train(sets)
    for name, weights in alone.params.items():
        torch.testing.assert_close(weights[0], everyone.params[name][2], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        PrivateSteps(0.3, 12, 0.7, 0.5),
        PrivateSteps(0.2, 11, 0.7, 0.5),
        PrivateSteps(0.2, 12, 0.8, 0.5),
        PrivateSteps(0.2, 12, 0.7, 0.6),
    ],
    ids=["sample_rate", "steps", "noise_multiplier", "max_grad_norm"],
)
def test_every_parameter_matters(change):
    assert differ(train(), train(private=change))


def test_the_noise_has_the_law_it_states():
    """With nothing to learn from, weights move by the mean of the steps' noise."""
    private = PrivateSteps(1e-9, 1, 3.0, 0.5)
    recipe = Recipe("sgd", 1.0, 0.0, 0.0, 1, 8)
    seeds = range(200)
    sets = shared_sets()
    sets = type(sets)(sets.x, sets.y, sets.index[:1].expand(200, -1).contiguous())
    found = train(sets, recipe, private, seeds)
    start = Population.of(mlp(), [build_seeded(mlp(), seed) for seed in seeds])
    moved = [(found.params[n] - start.params[n]).flatten() for n in found.params]
    noise = torch.cat(moved) * 1e-9 * sets.m
    assert float(noise.mean()) == pytest.approx(0.0, abs=4 * 1.5 / len(noise) ** 0.5)
    assert float(noise.std()) == pytest.approx(1.5, rel=0.02)
    # Models do not share their noise.
    both = torch.stack([found.params["0.weight"][i] - start.params["0.weight"][i] for i in (0, 1)])
    assert abs(np.corrcoef(both.flatten(1).numpy())[0, 1]) < 0.4


def test_progress_counts_steps():
    seen = []
    train(chunk=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (MODELS * 12, MODELS * 12)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_diverging_models_are_named():
    with pytest.raises(Diverged, match=r"model \d diverged"):
        train(recipe=Recipe("sgd", 1e38, 0.9, 0.0, 1, 8))
