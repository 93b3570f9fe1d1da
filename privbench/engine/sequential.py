"""Strategy ``sequential``: one model after another, in plain PyTorch without a DataLoader."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from privbench.engine.job import Job
from privbench.engine.population import build_seeded
from privbench.engine.randomness import OwnDropout, seeded
from privbench.engine.threads import threads_for


def train_alone(job: Job, i: int) -> nn.Module:
    """Train model ``i`` of the population."""
    module = build_seeded(job.build, job.seeds[i]).train().to(job.device)
    images = any(isinstance(part, nn.Conv2d) for part in module.modules())
    if images:  # channels last: a third faster on a CPU
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained = [p for p in module.parameters() if p.requires_grad]
    optimizer = job.recipe.make_optimizer(trained)
    models = range(i, i + 1)
    draws = job.draws(models)
    dropout = OwnDropout(draws)
    with seeded(job.seeds[i], job.device), threads_for(module, job.device):
        for epoch in range(job.recipe.epochs):
            for step, (x, y, noise) in enumerate(job.batches(models, draws)):
                optimizer.zero_grad()
                batch = channels_last(x[0]) if images else x[0]
                with dropout.scope(step):
                    losses = job.losses(module, batch, y[0], None if noise is None else noise[0])
                losses.mean().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            job.check([p[None] for p in trained], models, epoch)
            job.tick(1)
    return module


def channels_last(x: Tensor) -> Tensor:
    """Images (batch, channels, height, width) in the layout that convolutions are fastest with."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
