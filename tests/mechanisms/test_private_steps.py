"""Poisson sampling, and what is left of Opacus after private steps."""

import numpy as np
import pytest
import torch
from torch import nn

from privbench.engine import Recipe
from privbench.mechanisms.private_steps import poisson_batches, private_steps, unsupported
from privbench.privacy.sampled_gaussian import SampledGaussianSteps


def test_batches_are_poisson_samples():
    sampled = SampledGaussianSteps(sample_rate=0.1, steps=2000, delta=1e-5)
    batches = list(poisson_batches(200, sampled, np.random.default_rng(0)))
    sizes = np.array([len(batch) for batch in batches])
    assert len(batches) == 2000
    assert sizes.mean() == pytest.approx(20, abs=5 * np.sqrt(18 / 2000))
    assert sizes.var() == pytest.approx(18, rel=0.15)
    share = np.bincount(torch.cat(batches), minlength=200) / 2000
    np.testing.assert_allclose(share, 0.1, atol=5 * np.sqrt(0.09 / 2000))
    assert all(len(batch.unique()) == len(batch) for batch in batches)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_step_is_the_sum_of_clipped_gradients_over_the_expected_batch_size(n):
    torch.manual_seed(0)
    module, x, y = nn.Linear(4, 3), 10 * torch.randn(5, 4), torch.arange(5) % 3
    expected = torch.zeros(15)
    for i in range(n):
        loss = nn.functional.cross_entropy(module(x[i : i + 1]), y[i : i + 1])
        gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, module.parameters())])
        expected += gradient * min(1.0, 0.5 / float(gradient.norm()))
    before = torch.cat([p.detach().flatten() for p in module.parameters()])
    steps = private_steps(
        module, Recipe("sgd", 1.0, 0.0, 0.0, 1, 1),
        noise_multiplier=1e-9, max_grad_norm=0.5, expected_batch_size=4.0, noise_seed=0,
    )  # fmt: skip
    with steps as take_step:
        take_step(x[:n], y[:n])
    after = torch.cat([p.detach().flatten() for p in module.parameters()])
    torch.testing.assert_close(before - after, expected / 4, atol=1e-6, rtol=1e-4)
    assert all(p.grad is None and not hasattr(p, "summed_grad") for p in module.parameters())
    assert not module._forward_hooks
    assert not module._backward_hooks


def test_modules_without_per_example_gradients_say_why():
    assert unsupported(nn.Sequential(nn.Linear(2, 4), nn.GroupNorm(2, 4))) == ""
    for affine in (True, False):
        reason = unsupported(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4, affine=affine)))
        assert "1 (BatchNorm1d) mixes the examples of a batch" in reason
    assert unsupported(nn.ReLU()) == "the module has no parameters to train"
