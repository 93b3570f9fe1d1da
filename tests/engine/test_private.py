"""DP-SGD of a population against loops over examples, and whatever the chunk."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from privbench.engine import (
    Diverged,
    PrivateSteps,
    Recipe,
    TrainingSets,
    can_train_privately,
    train_each,
    train_privately,
)
from privbench.engine.population import Population, build_seeded
from privbench.engine.private import _Gradients, _largest
from privbench.engine.taps import NotTapped, find_taps

from .problems import (
    CLASSES,
    FEATURES,
    MODELS,
    RECIPES,
    SEEDS,
    assert_same,
    differ,
    mlp,
    own_sets,
    shared_sets,
)

STEPS = PrivateSteps(sample_rate=0.2, steps=12, noise_multiplier=0.7, max_grad_norm=0.5)


def train(sets=None, recipe=RECIPES["momentum"], private=STEPS, seeds=SEEDS, **options):
    return train_privately(mlp(), sets or shared_sets(), recipe, private, seeds, **options)


def slow_clipped_sum(module, x, y, bound):
    """One gradient after another, clipped and added, by parameter."""
    trained = [p for p in module.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in trained]
    for record, label in zip(x, y, strict=True):
        loss = cross_entropy(module(record[None]), label[None])
        gradient = torch.autograd.grad(loss, trained)
        norm = torch.sqrt(sum(g.square().sum() for g in gradient))
        for sum_, g in zip(total, gradient, strict=True):
            sum_ += g * min(1.0, bound / (float(norm) + 1e-6))
    return total


def test_clipped_sums_are_those_of_one_example_after_another():
    modules = [build_seeded(mlp(), seed) for seed in SEEDS]
    population = Population.of(mlp(), modules)
    rng = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(MODELS, 9, FEATURES, generator=rng)
    y = torch.randint(0, CLASSES, (MODELS, 9), generator=rng)
    used = torch.rand(MODELS, 9, generator=rng) < 0.7
    used[2] = False  # a batch without records
    for bound in (0.1, 100.0):
        sums = _Gradients(modules[0], population, x[0, :1]).clipped(x, y, used, bound)
        for i, module in enumerate(modules):
            expected = slow_clipped_sum(module, x[i, used[i]], y[i, used[i]], bound)
            for (name, _), total in zip(module.named_parameters(), expected, strict=True):
                torch.testing.assert_close(sums[name][i], total, atol=1e-5, rtol=1e-4)


def one_by_one(private, recipe):
    """The same training in plain PyTorch, for ``train_each``."""

    def loop(module, x, y, rng):
        noise = torch.Generator().manual_seed(int(rng.integers(2**63)))
        optimizer = recipe.make_optimizer(module.parameters())
        for _ in range(private.steps):
            batch = np.flatnonzero(rng.random(len(x)) < private.sample_rate)
            sums = slow_clipped_sum(module, x[batch], y[batch], private.max_grad_norm)
            for parameter, total in zip(module.parameters(), sums, strict=True):
                sd = private.noise_multiplier * private.max_grad_norm
                drawn = torch.normal(0.0, sd, parameter.shape, generator=noise)
                parameter.grad = (total + drawn) / (private.sample_rate * len(x))
            optimizer.step()

    return loop


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


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x))


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.nn.functional.dropout(self.layer(x), 0.5, self.training)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(4, 2), nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.layer(x) * self.scale


@pytest.mark.parametrize(
    ("build", "shape", "word"),
    [
        (Twice, (4,), "used twice"),
        (Scaled, (4,), "scale"),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), (4,), "1."),
        (lambda: nn.Linear(4, 4), (3, 4), "axes"),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)),
            (1, 4, 4),
            "Conv2d",
        ),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), (4,), "Dropout"),
        (FunctionalDropout, (4,), "random"),
    ],
)
def test_what_it_cannot_train(build, shape, word):
    sets = TrainingSets.own(torch.zeros(2, 3, *shape), torch.zeros(2, 3, dtype=torch.int64))
    before = torch.random.get_rng_state()
    assert word in can_train_privately(build, sets, "cpu")
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_it_can_train():
    sets = TrainingSets.own(torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, dtype=torch.int64))
    build = lambda: nn.Sequential(  # noqa: E731
        nn.Flatten(), nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 2)
    )
    assert can_train_privately(build, sets, "cpu") == ""


def test_frozen_parameters_stay_and_do_not_count():
    def build():
        module = mlp()()
        module[0].requires_grad_(False)
        return module

    found = train_privately(build, shared_sets(), RECIPES["momentum"], STEPS, SEEDS)
    start = Population.of(build, [build_seeded(build, seed) for seed in SEEDS])
    torch.testing.assert_close(found.params["0.weight"], start.params["0.weight"])
    assert not torch.equal(found.params["3.weight"], start.params["3.weight"])
    # The norm to which gradients are clipped is that of the trained parameters.
    modules = [build_seeded(build, seed) for seed in SEEDS]
    x, y = torch.randn(MODELS, 4, FEATURES), torch.zeros(MODELS, 4, dtype=torch.int64)
    sums = _Gradients(modules[0], start, x[0, :1]).clipped(x, y, y == 0, 0.1)
    expected = slow_clipped_sum(modules[1], x[1], y[1], 0.1)
    torch.testing.assert_close(sums["3.weight"][1], expected[0], atol=1e-5, rtol=1e-4)


def test_memory_bounds_the_models_at_once():
    small = PrivateSteps(0.2, 1, 0.7, 0.5)
    sizes = [
        _largest(mlp(), shared_sets(), RECIPES["sgd"], small, SEEDS, memory)
        for memory in (1, 2**40)
    ]
    assert sizes == [1, MODELS]


def test_taps_name_the_layers():
    module = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2))
    params = dict(module.named_parameters())
    taps = find_taps(params, lambda: functional_call(module, params, (torch.zeros(1, 4),)))
    assert [(t.weight, t.bias, t.width) for t in taps] == [
        ("0.weight", None, 3),
        ("2.weight", "2.bias", 2),
    ]
    with pytest.raises(NotTapped, match="no parameter of a linear layer"):
        find_taps({**params, "other": torch.zeros(1)}, lambda: module(torch.zeros(1, 4)))
