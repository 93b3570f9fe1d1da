"""Gradients that are averaged over augmented copies before they are clipped."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from privbench.engine import (
    Augmentation,
    Batch,
    GaussianNoise,
    PrivateSteps,
    TrainingSets,
    train_each,
    train_privately,
)
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.private.clipping import ClippedSums
from privbench.engine.private.trainer import MIN_STEPS_TO_RECORD

from ..problems import CLASSES, RECIPES, assert_same, differ
from .problems import ARCHITECTURES, CPU, tensors

COPIES = 3


def slow_sum(module, copies_of, y, bound):
    """Averages over copies, one gradient after another, clipped and added, by parameter."""
    trained = [p for p in module.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in trained]
    for copies, label in zip(copies_of, y, strict=True):
        mean = [torch.zeros_like(p) for p in trained]
        for one in copies:
            loss = cross_entropy(module(one[None]), label[None])
            for sum_, g in zip(mean, torch.autograd.grad(loss, trained), strict=True):
                sum_ += g / len(copies)
        norm = torch.sqrt(sum(g.square().sum() for g in mean))
        for sum_, g in zip(total, mean, strict=True):
            sum_ += g * min(1.0, bound / (float(norm) + 1e-6))
    return total


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sums_are_those_of_one_copy_after_another(name, stacked):
    build, shape = ARCHITECTURES[name]
    rng = torch.Generator().manual_seed(0)
    models = 2 if stacked else 1
    modules = [build_seeded(build, seed) for seed in range(models)]
    population = Population.of(build, modules)
    x = 3 * torch.randn(models, 5, COPIES, *shape, generator=rng)
    y = torch.randint(0, CLASSES, (models, 5), generator=rng)
    is_example = torch.tensor([True, True, False, True, False]).expand(models, 5)
    first = Batch(x[0, :1], y[0, :1], torch.tensor(0))
    sums = ClippedSums(modules[0], population, first, stacked=stacked, copies=COPIES)
    weights = population.stacked_weights()
    for bound in (0.1, 100.0):
        found = sums(weights, tensors(x, y, is_example), bound)
        for i, module in enumerate(modules):
            expected = slow_sum(module, x[i, is_example[i]], y[i, is_example[i]], bound)
            for got, total in zip(found, expected, strict=True):
                torch.testing.assert_close(got[i], total, atol=1e-5, rtol=1e-4)


def test_equal_copies_are_one_example():
    build, shape = ARCHITECTURES["cnn"]
    module = build_seeded(build, 0)
    population = Population.of(build, [module])
    x, y = torch.randn(1, 4, *shape), torch.tensor([[0, 1, 2, 0]])
    copies = x.unsqueeze(2).expand(1, 4, COPIES, *shape)
    weights = population.stacked_weights()
    found = []
    for records, k in ((x, None), (copies, COPIES)):
        first = Batch(records[0, :1], y[0, :1], torch.tensor(0))
        sums = ClippedSums(module, population, first, stacked=False, copies=k)
        found.append(sums(weights, tensors(records, y), 0.5))
    torch.testing.assert_close(*found)


SHAPE, M, SEEDS = (1, 5, 5), 20, [4, 8, 15]
AUGMENT = Augmentation(flip=True, crop=1)


def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(25, 6), nn.ReLU(), nn.Linear(6, CLASSES))


def convolution():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, CLASSES))


def images():
    x = torch.randn(len(SEEDS), M, *SHAPE, generator=torch.Generator().manual_seed(0))
    return TrainingSets.own(x, torch.arange(M).expand(len(SEEDS), M) % CLASSES)


def loop(private, recipe):
    """The same training in plain PyTorch, for ``train_each``."""

    def train(module, x, y, rng):
        noise = GaussianNoise(int(rng.integers(2**63)), CPU)
        sizes = [parameter.numel() for parameter in module.parameters()]
        drawn = torch.empty(sum(sizes))
        optimizer = recipe.make_optimizer(module.parameters())
        for _ in range(private.steps):
            batch = np.flatnonzero(rng.random(M) < private.sample_rate)
            uniform = torch.from_numpy(rng.random((len(batch), COPIES, 3), dtype=np.float32))
            copies = torch.stack([AUGMENT(x[batch], uniform[:, k]) for k in range(COPIES)], 1)
            sums = slow_sum(module, copies, y[batch], private.max_grad_norm)
            noise.fill(drawn, private.noise_multiplier * private.max_grad_norm)
            triples = zip(module.parameters(), sums, drawn.split(sizes), strict=True)
            for parameter, total, own in triples:
                parameter.grad = (total + own.view_as(total)) / (private.sample_rate * M)
            optimizer.step()

    return train


def train(build, steps=8, **options):
    private = PrivateSteps(0.3, steps, 0.7, 0.5)
    options = {"augment": AUGMENT, "copies": COPIES, **options}
    return train_privately(build, images(), RECIPES["momentum"], private, SEEDS, **options)


@pytest.mark.parametrize("build", [dense, convolution])
def test_the_models_are_those_of_a_plain_loop(build):
    private = PrivateSteps(0.3, 8, 0.7, 0.5)
    slow = train_each(build, images(), SEEDS, loop(private, RECIPES["momentum"]))
    assert_same(train(build), slow, atol=1e-4)


@pytest.mark.parametrize("steps", [8, MIN_STEPS_TO_RECORD])
def test_chunks_and_recorded_steps_change_nothing(steps):
    assert_same(train(dense, steps), train(dense, steps, chunk=1), atol=1e-4)


def test_the_number_of_copies_and_the_augmentation_matter():
    assert differ(train(dense), train(dense, copies=1))
    assert differ(train(dense, copies=1), train(dense, augment=None))


def test_models_go_on_from_where_they_start():
    started = train(dense)
    kept = {name: stacked.clone() for name, stacked in started.params.items()}
    still = PrivateSteps(0.3, 1, 1e-9, 1e-9)
    again = train_privately(dense, images(), RECIPES["sgd"], still, SEEDS, start=started, chunk=2)
    assert_same(again, started)
    train_privately(dense, images(), RECIPES["sgd"], still, SEEDS, start=started)
    nothing = train_each(dense, images(), SEEDS, lambda module, x, y, rng: None, start=started)
    assert_same(nothing, started)
    for name, stacked in kept.items():  # the models to start from are not trained themselves
        torch.testing.assert_close(started.params[name], stacked, atol=0, rtol=0)
