"""Strategy ``sequential``: one model after another, in plain PyTorch without a DataLoader."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from privbench.engine.core.job import TrainingJob, names_trained_by
from privbench.engine.core.loss import Batch, Forward, Phase, evaluate, first_model
from privbench.engine.core.population import build_seeded
from privbench.engine.core.precision import forward_of
from privbench.engine.core.randomness import seeded
from privbench.engine.processes.threads import threads_for
from privbench.engine.speed.fused import steps_of
from privbench.engine.strategies.epochs import train_epochs


def train_alone(job: TrainingJob, i: int) -> nn.Module:
    """Train model ``i`` of the population. Raises Diverged if weights are not finite."""
    module = _start(job, i).train().to(job.device)
    convolves = any(isinstance(part, nn.Conv2d) for part in module.modules())
    if convolves:  # channels last: a third faster on a CPU
        # Types of torch do not know that ``to`` takes a memory format alone.
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    phases = [_PhaseUpdate(job, phase, module, convolves) for phase in job.phases]
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    weights = {name: weight.detach()[None] for name, weight in named.items()}
    trained = [p.detach()[None] for p in module.parameters() if p.requires_grad]
    with seeded(job.seeds[i], job.device), threads_for(module, job.device):
        train_epochs(job, range(i, i + 1), phases, weights, trained)
    return module


def _start(job: TrainingJob, i: int) -> nn.Module:
    """Return model ``i`` before training."""
    return build_seeded(job.build, job.seeds[i]) if job.start is None else job.start.module(i)


class _PhaseUpdate:
    """One phase of a step, on one module."""

    def __init__(
        self, job: TrainingJob, phase: Phase, module: nn.Module, channels_last: bool
    ) -> None:
        named = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self._trained = [named[name] for name in names_trained_by(phase, named)]
        self._update = steps_of(self._trained, phase.recipe or job.recipe)
        self._loss, self._module = phase.loss, module
        self._precision = job.recipe.precision
        self._channels_last = channels_last

    def step(self, batch: Batch) -> None:
        """Run forward and backward passes, and a step of the optimizer."""
        batch = first_model(batch)
        if self._channels_last:
            batch = replace(batch, x=_in_channels_last(batch.x))
        losses = evaluate(self._loss, self._forward(), batch)
        gradients = torch.autograd.grad(losses.mean(), self._trained, allow_unused=True)
        self._update(gradients)

    def _forward(self) -> Forward:
        if self._precision == "float32":
            return self._module
        weights = (*self._module.named_parameters(), *self._module.named_buffers())
        return forward_of(self._module, dict(weights), self._precision)


def _in_channels_last(x: Tensor) -> Tensor:
    """Return images (batch, channels, height, width) in the memory layout best for convolutions."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
