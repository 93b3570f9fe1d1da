"""Strategy ``batched``: the models of a chunk are stacked and trained as one computation.

The loss is written for one model; vmap runs it for all of the chunk, autograd goes through the
stacked weights, and an elementwise optimizer acts on them as each model's own would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn
from torch.func import functional_call, vmap

from privbench.engine.job import Job
from privbench.engine.linear import speed_up
from privbench.engine.population import Population, build_all
from privbench.engine.randomness import OwnDropout


class Recorded(Protocol):
    """Steps that were recorded, see ``recorded``."""

    def gradients(
        self, population: Population, x: Tensor, y: Tensor, noise: Tensor | None
    ) -> Sequence[Tensor | None] | None:
        """Gradients of the trained weights; None where no such batch was recorded."""
        ...


def train_at_once(job: Job, models: range, steps: Recorded | None = None) -> Population:
    """Train some models of the population as one computation, by recorded ``steps`` if there are any."""
    modules = build_all(job.build, [job.seeds[i] for i in models], job.device)
    population = Population.of(job.build, modules)
    trained = [population.params[n].requires_grad_() for n in trainable(modules[0])]
    stacked = Stacked(job, modules[0])
    weights = {**population.params, **population.buffers}
    optimizer = job.recipe.make_optimizer(trained)
    draws = job.draws(models)
    dropout = OwnDropout(draws)
    for epoch in range(job.recipe.epochs):
        for step, (x, y, noise) in enumerate(job.batches(models, draws)):
            found = None if steps is None else steps.gradients(population, x, y, noise)
            if found is not None:
                for weight, gradient in zip(trained, found, strict=True):
                    weight.grad = gradient
            else:
                optimizer.zero_grad()
                with dropout.scope(step):
                    losses = stacked(weights, x, y, noise)  # (models, batch)
                losses.mean(1).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        job.check(trained, models, epoch)
        job.tick(len(models))
    for weight in trained:
        weight.requires_grad_(False)
        weight.grad = None
    return population


def trainable(module: nn.Module) -> list[str]:
    """The names of the parameters that are trained."""
    return [name for name, p in module.named_parameters() if p.requires_grad]


class Stacked:
    """The losses of all models of a chunk, (models, batch), as a function of their weights."""

    def __init__(self, job: Job, skeleton: nn.Module) -> None:
        self._job = job
        self._skeleton = speed_up(skeleton)
        noise = 0 if job.noise_dim else None
        self._run = vmap(self._one, in_dims=(0, 0, 0, noise), randomness="different")

    def __call__(
        self, weights: dict[str, Tensor], x: Tensor, y: Tensor, noise: Tensor | None
    ) -> Tensor:
        """The losses of a batch of each model; ``weights`` are stacked parameters and buffers."""
        losses: Tensor = self._run(weights, x, y, noise)
        return losses

    def _one(
        self, weights: dict[str, Tensor], x: Tensor, y: Tensor, noise: Tensor | None
    ) -> Tensor:
        def forward(*inputs: Any) -> Any:
            return functional_call(self._skeleton, weights, inputs)

        return self._job.losses(forward, x, y, noise)
