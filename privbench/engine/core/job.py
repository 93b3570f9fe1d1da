"""A training job, and the batches of its epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from privbench.engine.core.augment import Augmentation
from privbench.engine.core.loss import Batch, Phase, RandomInputs
from privbench.engine.core.population import Build, Population, build_all, build_seeded
from privbench.engine.core.randomness import Draws
from privbench.engine.core.recipe import Recipe
from privbench.engine.core.sets import TrainingSets
from privbench.engine.core.stopping import BestWeights, Validation


@dataclass(frozen=True)
class TrainingJob:
    """One population to train; ``sets`` are on ``device``."""

    build: Build
    sets: TrainingSets
    recipe: Recipe
    seeds: Sequence[int]
    phases: Sequence[Phase]
    random_inputs: RandomInputs | None
    augment: Augmentation | None
    device: torch.device
    tick: Callable[[int], None]
    """Adds to the amount of training that is done, such as the epochs of a chunk's models."""
    validation: Validation | None = None
    start: Population | None = None
    """The models before training, on ``device``; None for freshly initialised ones."""

    def start_of(self, models: range) -> tuple[nn.Module, Population]:
        """Return a module in training mode, and some models before training."""
        seeds = [self.seeds[i] for i in models]
        if self.start is not None:
            return build_all(self.build, seeds[:1], self.device)[0], self.start.take(models)
        modules = build_all(self.build, seeds, self.device)
        return modules[0], Population.of(self.build, modules)

    def best_weights(self) -> BestWeights | None:
        """Return a fresh record of some models' best weights; None without early stopping."""
        if self.validation is None:
            return None
        return BestWeights(self.validation, build_seeded(self.build, self.seeds[0]), self.device)

    def draws(self, models: range) -> Draws:
        """Return the random draws of some models, from their beginning."""
        return Draws([self.seeds[i] for i in models])

    def some_random_inputs(self, models: range, length: int) -> Tensor | None:
        """Return the first random inputs (models, length, k) of some models; None if there are none."""
        if self.random_inputs is None:
            return None
        return self.draws(models).random_inputs(self.random_inputs, length).to(self.device)

    def batches(self, models: range, draws: Draws, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch, of all ``models``: tensors (models, batch, ...)."""
        x, y = self.sets.flat()
        m, size = self.sets.m, self.recipe.batch_size
        order = draws.orders(m).to(self.device)  # (models, m)
        rows = self.sets.rows(models).gather(1, order)
        random_inputs = None
        if self.random_inputs is not None:
            random_inputs = draws.random_inputs(self.random_inputs, m).to(self.device)
        uniform = None
        if self.augment is not None:
            uniform = draws.augmentation(m, self.augment.draws).to(self.device)
        others_of = self._others(draws)
        gather = Gather()
        epoch_number = torch.tensor(epoch, device=self.device)
        for start in range(0, m, size):
            part = slice(start, start + size)
            records = gather(x, rows[:, part])
            if self.augment is not None and uniform is not None:
                records = self.augment(records, uniform[:, part])
            yield Batch(
                records,
                y[rows[:, part]],
                epoch_number,
                None if random_inputs is None else random_inputs[:, part],
                self._targets(models, order[:, part]),
                *(others_of(part) if others_of is not None else ()),
            )

    def _targets(self, models: range, positions: Tensor) -> Tensor | None:
        if self.sets.targets is None:
            return None
        numbers = torch.arange(models.start, models.stop, device=self.device)[:, None]
        return self.sets.targets[numbers, positions]

    def _others(self, draws: Draws) -> Callable[[slice], tuple[Tensor, Tensor]] | None:
        if self.sets.other is None:
            return None
        x, y = self.sets.other
        rows = draws.others(len(y), self.sets.m).to(self.device)  # (models, m)
        gather = Gather()
        return lambda part: (gather(x, rows[:, part]), y[rows[:, part]])


class Gather:
    """Picks the records of one batch after another into the same memory.

    With fresh memory for each batch, the allocation of its pages can take ten times as long as the copy.
    """

    def __init__(self) -> None:
        self._buffers: dict[torch.Size, Tensor] = {}

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """Return the rows (models, batch) of ``x`` (n, *shape): (models, batch, *shape).

        The next call with rows of the same shape overwrites them.
        """
        if rows.shape not in self._buffers:
            self._buffers[rows.shape] = x.new_empty((rows.numel(), *x.shape[1:]))
        buffer = self._buffers[rows.shape]
        torch.index_select(x, 0, rows.flatten(), out=buffer)
        return buffer.view(*rows.shape, *x.shape[1:])


def names_trained_by(phase: Phase, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that the phase updates. Raises ValueError if there are none."""
    chosen = [name for name in names if name.startswith(phase.trains)]
    if not chosen:
        raise ValueError(
            f"trains: no trained parameter has a name that starts with {phase.trains!r}"
        )
    return chosen
