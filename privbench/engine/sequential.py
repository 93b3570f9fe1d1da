"""Strategy ``sequential``: one model after another, in plain PyTorch without a DataLoader."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from privbench.engine.fused import steps_of
from privbench.engine.job import Job, first_of, trains
from privbench.engine.loss import Batch, Forward, Phase
from privbench.engine.population import build_seeded
from privbench.engine.precision import forward_of
from privbench.engine.randomness import OwnDropout, seeded
from privbench.engine.threads import threads_for


def train_alone(job: Job, i: int) -> nn.Module:
    """Train model ``i`` of the population."""
    module = build_seeded(job.build, job.seeds[i]).train().to(job.device)
    images = any(isinstance(part, nn.Conv2d) for part in module.modules())
    if images:  # channels last: a third faster on a CPU
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    stages = [_Stage(job, phase, module) for phase in job.phases]
    trained = [p for p in module.parameters() if p.requires_grad]
    models = range(i, i + 1)
    draws = job.draws(models)
    dropout, best = OwnDropout(draws), job.best()
    weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    stacked = {name: weight.detach()[None] for name, weight in weights.items()}
    with seeded(job.seeds[i], job.device), threads_for(module, job.device):
        for epoch in range(job.recipe.epochs):
            for step, batch in enumerate(job.batches(models, draws, epoch)):
                own = first_of(batch)
                if images:
                    own = replace(own, x=channels_last(own.x))
                for stage in stages:
                    with dropout.scope(step):
                        stage.step(own)
            job.check([p[None] for p in trained], models, epoch)
            job.tick(1)
            if best is not None and best.see(stacked):
                break
        if best is not None:
            best.restore(stacked)
    return module


class _Stage:
    """One phase of a step, on one module."""

    def __init__(self, job: Job, phase: Phase, module: nn.Module) -> None:
        named = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self._own = [named[name] for name in trains(phase, named)]
        self._update = steps_of((phase.recipe or job.recipe).make_optimizer(self._own))
        self._job, self._loss, self._module = job, phase.loss, module
        self._precision = job.recipe.precision

    def step(self, batch: Batch) -> None:
        """Forward, backward, and a step of the optimizer."""
        losses = self._job.losses(self._loss, self._forward(), batch)
        gradients = torch.autograd.grad(losses.mean(), self._own, allow_unused=True)
        self._update(gradients)

    def _forward(self) -> Forward:
        if self._precision == "float32":
            return self._module
        weights = (*self._module.named_parameters(), *self._module.named_buffers())
        return forward_of(self._module, dict(weights), self._precision)


def channels_last(x: Tensor) -> Tensor:
    """Images (batch, channels, height, width) in the layout that convolutions are fastest with."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
