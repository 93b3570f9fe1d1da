"""Strategy ``batched``: the models of a chunk are stacked and trained as one computation.

The loss is written for one model; vmap runs it for all of the chunk, autograd goes through the
stacked weights, and an elementwise optimizer acts on them as each model's own would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import vmap

from privbench.engine.fused import steps_of
from privbench.engine.graphs import Step, captured, worthwhile
from privbench.engine.job import SHARED_BY_MODELS, Job, present, trains
from privbench.engine.linear import speed_up
from privbench.engine.loss import Batch, Phase
from privbench.engine.population import Population, build_all
from privbench.engine.precision import forward_of
from privbench.engine.randomness import OwnDropout
from privbench.engine.recipe import Recipe


class Recorded(Protocol):
    """Steps that were recorded, see ``recorded``."""

    def gradients(
        self, phase: int, weights: Mapping[str, Tensor], batch: Batch
    ) -> Sequence[Tensor | list[Tensor] | None] | None:
        """Gradients of what the phase trains; None where no such batch was recorded."""
        ...

    def separate(self, phase: int) -> Sequence[bool]:
        """Of which weights that the phase trains the gradients come as one of each model."""
        ...


def train_at_once(job: Job, models: range, steps: Recorded | None = None) -> Population:
    """Train some models of the population as one computation, by recorded ``steps`` if there are any."""
    modules = build_all(job.build, [job.seeds[i] for i in models], job.device)
    population = Population.of(job.build, modules)
    weights = {**population.params, **population.buffers}
    stages = [_Stage(job, n, modules[0], weights, steps) for n in range(len(job.phases))]
    trained = [weights[name] for name in trainable(modules[0])]
    draws = job.draws(models)
    dropout, best = OwnDropout(draws), job.best()
    for epoch in range(job.recipe.epochs):
        for step, batch in enumerate(job.batches(models, draws, epoch)):
            for stage in stages:
                with dropout.scope(step):
                    stage.step(batch)
        job.check(trained, models, epoch)
        job.tick(len(models))
        if best is not None and best.see(weights):
            break
    if best is not None:
        best.restore(weights)
    for weight in trained:
        weight.grad = None
    return population


def trainable(module: nn.Module) -> list[str]:
    """The names of the parameters that are trained."""
    return [name for name, p in module.named_parameters() if p.requires_grad]


class _Stage:
    """One phase of a step, on the stacked weights of a chunk."""

    def __init__(
        self,
        job: Job,
        number: int,
        skeleton: nn.Module,
        weights: Mapping[str, Tensor],
        steps: Recorded | None,
    ) -> None:
        phase = job.phases[number]
        self._gradients = Gradients(job, phase, skeleton)
        self._weights = weights
        own = [weights[name] for name in self._gradients.names]
        separate = steps.separate(number) if steps is not None else [False] * len(own)
        self._update = Update(own, separate, phase.recipe or job.recipe)
        self._number, self._steps, self._device = number, steps, job.device
        self._captured: dict[torch.Size, Step] = {}

    def step(self, batch: Batch) -> None:
        """Gradients, and a step of the optimizer; as one CUDA graph where the step was recorded."""
        if self._steps is None or not worthwhile(self._device):
            return self._step(batch)
        tensors = present(batch)
        if batch.y.shape not in self._captured:
            self._captured[batch.y.shape] = captured(
                lambda *values: self._step(Batch(**dict(zip(tensors, values, strict=True)))),
                list(tensors.values()),
                self._weights.values(),
                self._update.optimizer,
                self._device,
            )
        self._captured[batch.y.shape](*tensors.values())

    def _step(self, batch: Batch) -> None:
        found: Sequence[Tensor | list[Tensor] | None] | None = None
        if self._steps is not None:
            found = self._steps.gradients(self._number, self._weights, batch)
        if found is None:
            found = self._gradients(self._weights, batch)
        self._update(found)


class Update:
    """Steps of the optimizer on stacked weights (models, ...).

    ``separate`` says of which of them gradients may come as a list, one of each model.
    """

    def __init__(self, own: Sequence[Tensor], separate: Sequence[bool], recipe: Recipe) -> None:
        self._separate = separate
        self._own = [w.unbind() if s else (w,) for w, s in zip(own, separate, strict=True)]
        self.optimizer = recipe.make_optimizer(chain(*self._own))
        self._step = steps_of(self.optimizer, fused=not worthwhile(own[0].device))

    def __call__(self, gradients: Sequence[Tensor | list[Tensor] | None]) -> None:
        """One step; None for a weight that stays."""
        of_parts: list[Tensor | None] = []
        for parts, separate, found in zip(self._own, self._separate, gradients, strict=True):
            if isinstance(found, list):
                of_parts += found
            elif found is not None:
                of_parts += found.unbind() if separate else [found]
            else:
                of_parts += [None] * len(parts)
        self._step(of_parts)


class Gradients:
    """The gradients of a phase for all models of a chunk, as a function of weights and a batch."""

    def __init__(self, job: Job, phase: Phase, skeleton: nn.Module) -> None:
        self.names = trains(phase, trainable(skeleton))
        self._job = job
        self._loss = phase.loss
        self._precision = job.recipe.precision
        self._skeleton = speed_up(skeleton)

    def __call__(self, weights: Mapping[str, Tensor], batch: Batch) -> Sequence[Tensor | None]:
        """Gradients (models, ...) of the mean loss, in the order of ``names``.

        ``weights`` are stacked parameters and buffers. None where a parameter is not used.
        """
        own = {name: weights[name].detach().requires_grad_() for name in self.names}
        losses = self.losses({**weights, **own}, batch)  # (models, batch)
        total = losses.mean(1).sum()
        return torch.autograd.grad(total, list(own.values()), allow_unused=True)

    def losses(self, weights: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The losses of all models (models, batch)."""
        tensors = present(batch)
        stacked = {name: None if name == SHARED_BY_MODELS else 0 for name in tensors}
        run = vmap(self._one, in_dims=(0, stacked), randomness="different")
        losses: Tensor = run(dict(weights), tensors)
        return losses

    def _one(self, weights: dict[str, Tensor], tensors: dict[str, Tensor]) -> Tensor:
        forward = forward_of(self._skeleton, weights, self._precision)
        return self._job.losses(self._loss, forward, Batch(**tensors))
