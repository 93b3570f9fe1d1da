"""One training step of a stacked chunk, recorded once and replayed.

``vmap``, ``functional_call`` and autograd cost about as much Python a step as the matrix products of a
few small models, and Python runs in one thread at a time. A recorded step is the list of tensor
operations that they come down to, forward and backward, as a function of batch and weights.

Only steps that draw no random numbers are recorded. A loss must be a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, fx

from privbench.engine.batched import Gradients
from privbench.engine.job import Job, present
from privbench.engine.loss import Batch, Phase
from privbench.engine.population import Population, build_all
from privbench.engine.products import separate_results, use_faster_products
from privbench.engine.randomness import seeded
from privbench.engine.simplify import simplify

Found = Sequence[Tensor | list[Tensor] | None]
"""Gradients (models, ...), or one of each model; None of what is not used."""

Replay = Callable[..., Found]


@dataclass(frozen=True)
class Steps:
    """Recorded steps, by phase and by the shape (models, batch) of a batch's labels."""

    found: dict[tuple[int, torch.Size], Replay] = field(default_factory=dict)
    apart: dict[tuple[int, torch.Size], Sequence[bool]] = field(default_factory=dict)
    """What each of them gives as one gradient of each model."""

    def gradients(self, phase: int, weights: Mapping[str, Tensor], batch: Batch) -> Found | None:
        """Gradients of what the phase trains; None where no such batch was recorded."""
        replay = self.found.get((phase, batch.y.shape))
        if replay is None:
            return None
        with torch.no_grad():
            return replay(*present(batch).values(), *weights.values())

    def separate(self, phase: int) -> Sequence[bool]:
        """Of which weights that the phase trains the gradients come as one of each model."""
        parts = zip(*(own for (n, _), own in self.apart.items() if n == phase), strict=True)
        return [any(shapes) for shapes in parts]


def record(job: Job, sizes: Iterable[int]) -> Steps:
    """Record the steps of chunks of these sizes, whole batches and the last one of an epoch.

    Not while another thread runs a module: recording watches all of them.
    """
    steps = Steps()
    for size in set(sizes):
        models = range(size)
        with seeded(job.seeds[0], job.device):
            whole = next(job.batches(models, job.draws(models), 0))
        length = whole.y.shape[1]
        for batch in {length, job.sets.m % job.recipe.batch_size or length}:
            part = _cut(whole, batch)
            for number, phase in enumerate(job.phases):
                recorded = _recorded(job, phase, models, part)
                steps.found[number, part.y.shape] = recorded.forward
                steps.apart[number, part.y.shape] = separate_results(recorded)
    return steps


def _cut(batch: Batch, length: int) -> Batch:
    """The first ``length`` examples of each model."""
    tensors = present(batch)
    return replace(batch, **{n: t[:, :length] for n, t in tensors.items() if t.ndim > 1})


def _recorded(job: Job, phase: Phase, models: range, batch: Batch) -> fx.GraphModule:
    from torch.fx.experimental.proxy_tensor import make_fx

    modules = build_all(job.build, [job.seeds[i] for i in models], job.device)
    population = Population.of(job.build, modules)
    gradients = Gradients(job, phase, modules[0])
    fields = list(present(batch))
    names = [*population.params, *population.buffers]

    def step(*values: Tensor) -> Sequence[Tensor | None]:
        own = Batch(**dict(zip(fields, values[: len(fields)], strict=True)))
        return gradients(dict(zip(names, values[len(fields) :], strict=True)), own)

    values = (*population.params.values(), *population.buffers.values())
    recorded: fx.GraphModule = make_fx(step)(*present(batch).values(), *values)
    simplify(recorded)
    use_faster_products(recorded)
    return recorded
