"""Sums of clipped gradients against one example after another, and against Opacus."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from privbench.engine import Batch, train_privately
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.private.clipping import ClippedSums

from ..problems import CLASSES, FEATURES, MODELS, RECIPES, SEEDS, mlp, shared_sets
from .problems import ARCHITECTURES, STEPS, Noisy, example, noisy_loss, slow_clipped_sum, tensors


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_clipped_sums_are_those_of_one_example_after_another(name, stacked):
    build, shape = ARCHITECTURES[name]
    rng = torch.Generator().manual_seed(0)
    models = MODELS if stacked else 1
    modules = [build_seeded(build, seed) for seed in SEEDS[:models]]
    population = Population.of(build, modules)
    weights = {**population.params, **population.buffers}
    x = 3 * torch.randn(models, 9, *shape, generator=rng)
    y = torch.randint(0, CLASSES, (models, 9), generator=rng)
    is_example = torch.rand(models, 9, generator=rng) < 0.7
    is_example[models // 2 + 1 :] = False  # a batch without records
    sums = ClippedSums(modules[0], population, example(x[0, :1]), stacked=stacked)
    for bound in (0.1, 100.0):
        found = sums(weights, tensors(x, y, is_example), bound, 0.25)
        for i, module in enumerate(modules):
            expected = slow_clipped_sum(module, x[i, is_example[i]], y[i, is_example[i]], bound)
            for got, total in zip(found, expected, strict=True):
                torch.testing.assert_close(got[i], 0.25 * total, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stacked", [True, False])
def test_clipped_sums_of_another_loss_with_noise(stacked):
    models = 3 if stacked else 1
    modules = [build_seeded(Noisy, seed) for seed in SEEDS[:models]]
    population = Population.of(Noisy, modules)
    rng = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(models, 7, k, generator=rng) for k in (FEATURES, CLASSES))
    y = torch.randint(0, 2, (models, 7), generator=rng)
    first = Batch(x[0, :1], y[0, :1], torch.tensor(0), noise[0, :1])
    sums = ClippedSums(modules[0], population, first, stacked=stacked, loss=noisy_loss)
    assert sums.untapped == ["scale"]
    found = sums(population.params, tensors(x, y, random_inputs=noise), 0.5)
    for i, module in enumerate(modules):
        trained = [module.get_parameter(name) for name in sums.names]
        total = [torch.zeros_like(p) for p in trained]
        for j in range(7):
            one = slice(j, j + 1)
            batch = Batch(x[i, one], y[i, one], torch.tensor(0), noise[i, one])
            gradient = torch.autograd.grad(noisy_loss(module, batch)[0], trained)
            norm = torch.sqrt(sum(g.square().sum() for g in gradient))
            for sum_, g in zip(total, gradient, strict=True):
                sum_ += g * min(1.0, 0.5 / (float(norm) + 1e-6))
        for got, expected in zip(found, total, strict=True):
            torch.testing.assert_close(got[i], expected, atol=1e-5, rtol=1e-4)


def opacus_sum(module, x, y, bound):
    """By Opacus, with its default hooks: a gradient per example."""
    from opacus.grad_sample import GradSampleModule

    hooked = GradSampleModule(module, loss_reduction="sum")
    cross_entropy(hooked(x), y, reduction="sum").backward()
    trained = [p for p in module.parameters() if p.requires_grad]
    norms = torch.stack([p.grad_sample.flatten(1).norm(dim=1) for p in trained]).norm(dim=0)
    factor = (bound / (norms + 1e-6)).clamp(max=1.0)
    return [torch.einsum("i,i...->...", factor, p.grad_sample) for p in trained]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("name", ["mlp", "few positions", "layer norm", "cnn", "cnn of lines"])
def test_clipped_sums_are_those_of_opacus(name):
    build, shape = ARCHITECTURES[name]
    module = build_seeded(build, 5)
    population = Population.of(build, [module])
    rng = torch.Generator().manual_seed(1)
    x, y = torch.randn(12, *shape, generator=rng), torch.arange(12) % CLASSES
    sums = ClippedSums(module, population, example(x[:1]), stacked=False)
    found = sums(population.params, tensors(x[None], y[None]), 0.8)
    for ours, theirs in zip(found, opacus_sum(module, x, y, 0.8), strict=True):
        torch.testing.assert_close(ours[0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "cnn", "parameter"])
def test_padding_changes_nothing(name):
    build, shape = ARCHITECTURES[name]
    module = build_seeded(build, 5)
    population = Population.of(build, [module])
    weights = {**population.params, **population.buffers}
    x, y = torch.randn(1, 20, *shape), torch.zeros(1, 20, dtype=torch.int64)
    sums = ClippedSums(module, population, example(x[0, :1]), stacked=False)
    is_example = torch.arange(20)[None] < 12
    padded = sums(weights, tensors(x, y, is_example), 0.5)
    x[:, 12:] = 1e3  # whatever is there
    for got in (
        sums(weights, tensors(x, y, is_example), 0.5),
        sums(weights, tensors(x[:, :12], y[:, :12]), 0.5),
    ):
        for ours, theirs in zip(got, padded, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


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
    sums = ClippedSums(modules[0], start, example(x[0, :1]), stacked=True)
    expected = slow_clipped_sum(modules[1], x[1], y[1], 0.1)
    assert sums.names == ["3.weight", "3.bias"]
    for got, total in zip(sums(start.params, tensors(x, y), 0.1), expected, strict=True):
        torch.testing.assert_close(got[1], total, atol=1e-5, rtol=1e-4)
