"""Gradients of a phase for all models at once are those of one model after another."""

import torch

from privbench.engine import Phase, cross_entropy
from privbench.engine.core.loss import tensors_of
from privbench.engine.core.population import Population, build_all
from privbench.engine.strategies.batched import PhaseGradients

from ..problems import MODELS, SEEDS, job, mlp


def test_gradients_are_those_of_each_models_mean_loss():
    task, everyone = job(mlp()), range(MODELS)
    modules = build_all(mlp(), SEEDS, task.device)
    weights = Population.of(mlp(), modules).stacked_weights()
    batch = next(task.batches(everyone, task.draws(everyone), 0))
    compute = PhaseGradients(
        task, Phase(cross_entropy, "3."), build_all(mlp(), [0], task.device)[0]
    )
    assert compute.names == ["3.weight", "3.bias"]
    gradients = compute(weights, tensors_of(batch))
    losses = compute.losses(weights, tensors_of(batch))
    for i, module in enumerate(modules):
        loss = torch.nn.functional.cross_entropy(module(batch.x[i]), batch.y[i])
        torch.testing.assert_close(losses[i].mean(), loss.detach())
        expected = torch.autograd.grad(loss, [module[3].weight, module[3].bias])
        for stacked, own in zip(gradients, expected, strict=True):
            torch.testing.assert_close(stacked[i], own)
