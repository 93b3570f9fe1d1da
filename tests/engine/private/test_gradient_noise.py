"""The gradient noise: its law, and a stream of its own for each model."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from privbench.engine.private.gaussian import GaussianNoise
from privbench.engine.private.gradient_noise import GradientNoise

from .problems import CPU


def generators(*seeds):
    return [np.random.default_rng([seed, 3]) for seed in seeds]


@pytest.mark.parametrize("shapes", [[(32, 6), (32,), (3, 32), (30,)], [(32, 6), (3,), (2, 5)]])
def test_each_model_has_its_own_stream_for_all_parameters(shapes):
    sizes = [torch.Size(shape) for shape in shapes]
    noise = GradientNoise(generators(1, 2), 0.75, sizes, CPU)
    seeds = [int(np.random.default_rng([seed, 3]).integers(2**63)) for seed in (1, 2)]
    streams = [GaussianNoise(seed, CPU) for seed in seeds]
    for _ in range(2):
        stacked = torch.zeros(2, *shapes[0])
        separate = [[torch.zeros(shape) for _ in range(2)] for shape in shapes[1:]]
        noise.add_to([stacked, *separate])
        for model, stream in enumerate(streams):
            expected = torch.empty(sum(size.numel() for size in sizes))
            stream.fill(expected, 0.75)
            found = [stacked[model], *(of_models[model] for of_models in separate)]
            assert torch.equal(torch.cat([one.flatten() for one in found]), expected)


@pytest.mark.parametrize("shape", [(100, 100), (99, 101)], ids=["blocks", "other"])
def test_the_noise_is_gaussian_and_new_for_each_model_and_step(shape):
    noise = GradientNoise(generators(1, 2, 2**62), 0.75, [torch.Size(shape)], CPU)
    steps = []
    for _ in range(2):
        means = torch.zeros(3, *shape)
        noise.add_to([means])
        steps.append(means.flatten(1))
    drawn = torch.cat(steps).numpy()  # (two steps of three models, numbers)
    for one in drawn:
        assert kstest(one / 0.75, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(drawn) - np.eye(6)).max() < 0.05  # sd 0.01
