"""What all strategies share: the batches of an epoch, the loss's contract, the check for divergence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from privbench.engine.augment import Augmentation
from privbench.engine.errors import Diverged
from privbench.engine.loss import Batch, Forward, Loss, Noise, Phase
from privbench.engine.population import Build, build_seeded
from privbench.engine.randomness import Draws
from privbench.engine.recipe import Recipe
from privbench.engine.sets import TrainingSets
from privbench.engine.stopping import Best, Validation

BATCH = tuple(field.name for field in fields(Batch))
SHARED_BY_MODELS = "epoch"
"""The field of a batch that is the same for all models."""


@dataclass(frozen=True)
class Job:
    """One population to train; ``sets`` are on ``device``."""

    build: Build
    sets: TrainingSets
    recipe: Recipe
    seeds: Sequence[int]
    phases: Sequence[Phase]
    noise: Noise | None
    augment: Augmentation | None
    device: torch.device
    tick: Callable[[int], None]
    """Says that so many epochs of models are done."""
    validation: Validation | None = None

    def best(self) -> Best | None:
        """What keeps the best weights of some models, if training stops early."""
        if self.validation is None:
            return None
        return Best(self.validation, build_seeded(self.build, self.seeds[0]), self.device)

    def draws(self, models: range) -> Draws:
        """The random draws of some models, from their beginning."""
        return Draws([self.seeds[i] for i in models])

    def batches(self, models: range, draws: Draws, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch, of all ``models``: tensors (models, batch, ...)."""
        x, y = self.sets.flat()
        m, size = self.sets.m, self.recipe.batch_size
        order = draws.orders(m).to(self.device)  # (models, m)
        rows = self.sets.rows(models).gather(1, order)
        noise = None if self.noise is None else draws.noise(self.noise, m).to(self.device)
        uniform = None
        if self.augment is not None:
            uniform = draws.augmentation(m, self.augment.draws).to(self.device)
        other = self._others(draws)
        gather = Gather()
        now = torch.tensor(epoch, device=self.device)
        for start in range(0, m, size):
            part = slice(start, start + size)
            picked = gather(x, rows[:, part])
            if self.augment is not None and uniform is not None:
                picked = self.augment(picked, uniform[:, part])
            yield Batch(
                picked,
                y[rows[:, part]],
                now,
                None if noise is None else noise[:, part],
                self._targets(models, order[:, part]),
                *(other(part) if other is not None else ()),
            )

    def _targets(self, models: range, positions: Tensor) -> Tensor | None:
        if self.sets.targets is None:
            return None
        own = torch.arange(models.start, models.stop, device=self.device)[:, None]
        return self.sets.targets[own, positions]

    def _others(self, draws: Draws) -> Callable[[slice], tuple[Tensor, Tensor]] | None:
        if self.sets.other is None:
            return None
        x, y = self.sets.other
        rows = draws.others(len(y), self.sets.m).to(self.device)  # (models, m)
        gather = Gather()
        return lambda part: (gather(x, rows[:, part]), y[rows[:, part]])

    def losses(self, loss: Loss, forward: Forward, batch: Batch) -> Tensor:
        """One model's loss per example (batch,). Raises ValueError if it has another shape."""
        losses = loss(forward, batch)
        if losses.shape != batch.y.shape[:1]:
            raise ValueError(
                f"the loss must return one value per example, shape {tuple(batch.y.shape[:1])},"
                f" got {tuple(losses.shape)}"
            )
        return losses

    def check(self, weights: Iterable[Tensor], models: range, epoch: int) -> None:
        """Raise Diverged if some of the stacked weights (models, ...) are not finite."""
        for stacked in weights:
            if stacked.detach().sum().isfinite():  # one pass, where the weights' own take four
                continue
            good = stacked.detach().isfinite().flatten(1).all(1)  # (models,)
            if not good.all():
                model = models[int(good.int().argmin())]
                raise Diverged(
                    f"model {model} diverged in epoch {epoch + 1} of {self.recipe.epochs}:"
                    f" its weights are not finite; lower lr (now {self.recipe.lr:g})"
                )


class Gather:
    """Picks the records of one batch after another, into the same memory.

    Where each batch has fresh memory, the system's making of its pages can take ten times as long as
    the copy.
    """

    def __init__(self) -> None:
        self._places: dict[torch.Size, Tensor] = {}

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """Rows (models, batch) of ``x`` (n, *shape): (models, batch, *shape), until the next call."""
        if rows.shape not in self._places:
            self._places[rows.shape] = x.new_empty((rows.numel(), *x.shape[1:]))
        place = self._places[rows.shape]
        torch.index_select(x, 0, rows.flatten(), out=place)
        return place.view(*rows.shape, *x.shape[1:])


def present(batch: Batch) -> dict[str, Tensor]:
    """The tensors of a batch, by field."""
    pairs = ((name, getattr(batch, name)) for name in BATCH)
    return {name: tensor for name, tensor in pairs if tensor is not None}


def first_of(batch: Batch) -> Batch:
    """The batch of the first of several models."""
    own = {n: t if n == SHARED_BY_MODELS else t[0] for n, t in present(batch).items()}
    return Batch(**own)


def trains(phase: Phase, names: Iterable[str]) -> list[str]:
    """Which of these parameters a phase updates. Raises ValueError if it is none."""
    chosen = [name for name in names if name.startswith(phase.trains)]
    if not chosen:
        raise ValueError(f"trains: {phase.trains!r} is the beginning of no trained parameter")
    return chosen
