"""One training step of a stacked chunk, recorded once and replayed.

``vmap``, ``functional_call`` and autograd cost about as much Python a step as the matrix products of a
few small models, and Python runs in one thread at a time. A recorded step is the list of tensor
operations that they come down to, forward and backward, as a function of batch and weights.

Only steps that draw no random numbers are recorded. A loss must be a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from privbench.engine.batched import Stacked, trainable
from privbench.engine.job import Job
from privbench.engine.population import Population, build_all
from privbench.engine.randomness import seeded

Replay = Callable[..., Sequence[Tensor | None]]


@dataclass(frozen=True)
class Steps:
    """Recorded steps, by the shape (models, batch) of a batch's labels."""

    found: dict[torch.Size, Replay] = field(default_factory=dict)

    def gradients(
        self, population: Population, x: Tensor, y: Tensor, noise: Tensor | None
    ) -> Sequence[Tensor | None] | None:
        """Gradients of the trained weights; None where no such batch was recorded."""
        replay = self.found.get(y.shape)
        if replay is None:
            return None
        with torch.no_grad():
            return replay(x, y, noise, *population.params.values(), *population.buffers.values())


def record(job: Job, sizes: Iterable[int]) -> Steps:
    """Record the steps of chunks of these sizes, whole batches and the last one of an epoch.

    Not while another thread runs a module: recording watches all of them.
    """
    steps = Steps()
    for size in set(sizes):
        models = range(size)
        with seeded(job.seeds[0], job.device):
            x, y, noise = next(job.batches(models, job.draws(models)))
        for batch in {y.shape[1], job.sets.m % job.recipe.batch_size or y.shape[1]}:
            part = None if noise is None else noise[:, :batch]
            steps.found[y[:, :batch].shape] = _recorded(
                job, models, x[:, :batch], y[:, :batch], part
            )
    return steps


def _recorded(job: Job, models: range, x: Tensor, y: Tensor, noise: Tensor | None) -> Replay:
    from torch.fx.experimental.proxy_tensor import make_fx

    modules = build_all(job.build, [job.seeds[i] for i in models], job.device)
    population = Population.of(job.build, modules)
    stacked = Stacked(job, modules[0])
    names = [*population.params, *population.buffers]
    trained = trainable(modules[0])

    def gradients(
        x: Tensor, y: Tensor, noise: Tensor | None, *values: Tensor
    ) -> Sequence[Tensor | None]:
        weights = dict(zip(names, values, strict=True))
        for name in trained:
            weights[name] = weights[name].detach().requires_grad_()
        total = stacked(weights, x, y, noise).mean(1).sum()
        own = [weights[name] for name in trained]
        return torch.autograd.grad(total, own, allow_unused=True)

    values = (*population.params.values(), *population.buffers.values())
    replay: Replay = make_fx(gradients)(x, y, noise, *values).forward
    return replay
