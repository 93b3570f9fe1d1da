"""What both strategies share: the batches of an epoch, the loss's contract, the check for divergence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from privbench.engine.errors import Diverged
from privbench.engine.loss import Forward, Loss
from privbench.engine.population import Build
from privbench.engine.randomness import Draws
from privbench.engine.recipe import Recipe
from privbench.engine.sets import TrainingSets


@dataclass(frozen=True)
class Job:
    """One population to train; ``sets`` are on ``device``."""

    build: Build
    sets: TrainingSets
    recipe: Recipe
    seeds: Sequence[int]
    loss: Loss
    noise_dim: int
    device: torch.device
    tick: Callable[[int], None]
    """Says that so many epochs of models are done."""

    def draws(self, models: range) -> Draws:
        """The random draws of some models, from their beginning."""
        return Draws([self.seeds[i] for i in models])

    def batches(
        self, models: range, draws: Draws
    ) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """The batches of one epoch: (models, batch, *shape), (models, batch), (models, batch, noise)."""
        x, y = self.sets.flat()
        order = draws.orders(self.sets.m).to(self.device)
        rows = self.sets.rows(models).gather(1, order)  # (models, m)
        noise = draws.noise(self.sets.m, self.noise_dim).to(self.device) if self.noise_dim else None
        for start in range(0, self.sets.m, self.recipe.batch_size):
            part = slice(start, start + self.recipe.batch_size)
            batch = rows[:, part]  # (models, batch)
            picked = x.index_select(0, batch.flatten()).view(*batch.shape, *x.shape[1:])
            yield picked, y[batch], None if noise is None else noise[:, part]

    def losses(self, forward: Forward, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
        """One model's loss per example (batch,). Raises ValueError if it has another shape."""
        losses = self.loss(forward, x, y, noise)
        if losses.shape != y.shape[:1]:
            raise ValueError(
                f"the loss must return one value per example, shape {tuple(y.shape[:1])},"
                f" got {tuple(losses.shape)}"
            )
        return losses

    def check(self, weights: Iterable[Tensor], models: range, epoch: int) -> None:
        """Raise Diverged if some of the stacked weights (models, ...) are not finite."""
        for stacked in weights:
            good = stacked.detach().isfinite().flatten(1).all(1)  # (models,)
            if not good.all():
                model = models[int(good.int().argmin())]
                raise Diverged(
                    f"model {model} diverged in epoch {epoch + 1} of {self.recipe.epochs}:"
                    f" its weights are not finite; lower lr (now {self.recipe.lr:g})"
                )
