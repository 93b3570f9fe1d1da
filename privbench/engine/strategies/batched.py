"""Strategy ``batched``: the models of a chunk are stacked and trained as one computation.

The loss is written for one model. ``vmap`` evaluates it for all models of the chunk, autograd
differentiates with respect to the stacked weights, and an elementwise optimizer updates them as it would
update each model by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.func import vmap

from privbench.engine.core.architecture import trainable
from privbench.engine.core.job import TrainingJob, names_trained_by
from privbench.engine.core.loss import (
    SHARED_BY_MODELS,
    Batch,
    Phase,
    evaluate,
    tensors_of,
)
from privbench.engine.core.loss_errors import explained
from privbench.engine.core.population import Population
from privbench.engine.core.precision import forward_of
from privbench.engine.core.randomness import seeded
from privbench.engine.speed.graphs import CapturedStep, captured
from privbench.engine.speed.linear import speed_up
from privbench.engine.speed.recorded import Gradients, RecordedSteps
from privbench.engine.strategies.epochs import train_epochs
from privbench.engine.strategies.update import StackedUpdate


@dataclass(frozen=True)
class BatchedTrainer:
    """Trains the models of a chunk as one computation, by recorded steps if there are any."""

    job: TrainingJob
    steps: RecordedSteps = field(default_factory=RecordedSteps)

    def record(self, sizes: Collection[int]) -> None:
        """Record the steps of chunks of these sizes: full batches and the last one of an epoch."""
        for size in sizes:
            for batch in self._batches_to_record(range(size)):
                for number, phase in enumerate(self.job.phases):
                    module, population = self.job.start_of(range(size))
                    compute = PhaseGradients(self.job, phase, module)
                    self.steps.record(
                        number, compute, population.stacked_weights(), tensors_of(batch)
                    )

    def _batches_to_record(self, models: range) -> Iterator[Batch]:
        with seeded(self.job.seeds[0], self.job.device):
            whole = next(self.job.batches(models, self.job.draws(models), 0))
        length = whole.y.shape[1]
        for shorter in {length, self.job.sets.m % self.job.recipe.batch_size or length}:
            tensors = tensors_of(whole).items()
            yield replace(whole, **{n: t[:, :shorter] for n, t in tensors if t.ndim > 1})

    def train(self, models: range) -> Population:
        """Train some models. Raises Diverged if weights are not finite."""
        module, population = self.job.start_of(models)
        weights = population.stacked_weights()
        phases = [
            _PhaseUpdate(self.job, n, module, weights, self.steps)
            for n in range(len(self.job.phases))
        ]
        trained = [weights[name] for name in trainable(module)]
        train_epochs(self.job, models, phases, weights, trained)
        for weight in trained:
            weight.grad = None
        return population


class _PhaseUpdate:
    """One phase of a step, on the stacked weights of a chunk."""

    def __init__(
        self,
        job: TrainingJob,
        number: int,
        skeleton: nn.Module,
        weights: Mapping[str, Tensor],
        steps: RecordedSteps,
    ) -> None:
        phase = job.phases[number]
        self._gradients = PhaseGradients(job, phase, skeleton)
        self._weights = weights
        trained = [weights[name] for name in self._gradients.names]
        separate = steps.separate(number, len(trained))
        self._update = StackedUpdate(trained, separate, phase.recipe or job.recipe)
        self._number, self._steps = number, steps
        self._device = job.device
        self._captured: dict[torch.Size, CapturedStep] = {}

    def step(self, batch: Batch) -> None:
        """Update the weights by a batch; as one CUDA graph if the step was recorded."""
        optimizer = self._update.optimizer
        if not self._steps.graphs or optimizer is None:
            return self._step(batch)
        tensors = tensors_of(batch)
        if batch.y.shape not in self._captured:
            self._captured[batch.y.shape] = captured(
                lambda *values: self._step(Batch(**dict(zip(tensors, values, strict=True)))),
                list(tensors.values()),
                self._weights.values(),
                optimizer,
                self._device,
            )
        self._captured[batch.y.shape](*tensors.values())

    def _step(self, batch: Batch) -> None:
        tensors = tensors_of(batch)
        gradients: Gradients | None = self._steps.gradients(self._number, self._weights, tensors)
        if gradients is None:
            gradients = self._gradients(self._weights, tensors)
        self._update(gradients)


class PhaseGradients:
    """The gradients of a phase for all models of a chunk, as a function of weights and a batch."""

    def __init__(self, job: TrainingJob, phase: Phase, skeleton: nn.Module) -> None:
        self.names = names_trained_by(phase, trainable(skeleton))
        self._loss = explained(phase.loss)
        self._precision = job.recipe.precision
        self._skeleton = speed_up(skeleton)

    def __call__(
        self, weights: Mapping[str, Tensor], batch: Mapping[str, Tensor]
    ) -> Sequence[Tensor | None]:
        """Return the gradients (models, ...) of the mean loss, in the order of ``names``.

        Args:
            weights: Stacked parameters and buffers.
            batch: The tensors of a batch, by field.

        Returns:
            A tensor per name; None for a parameter that the loss does not depend on.
        """
        trained = {name: weights[name].detach().requires_grad_() for name in self.names}
        losses = self.losses({**weights, **trained}, batch)  # (models, batch)
        total = losses.mean(1).sum()
        return torch.autograd.grad(total, list(trained.values()), allow_unused=True)

    def losses(self, weights: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Return the losses of all models (models, batch)."""
        stacked = {name: None if name == SHARED_BY_MODELS else 0 for name in batch}
        run = vmap(self._of_one_model, in_dims=(0, stacked), randomness="different")
        losses: Tensor = run(dict(weights), dict(batch))
        return losses

    def _of_one_model(self, weights: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        forward = forward_of(self._skeleton, weights, self._precision)
        return evaluate(self._loss, forward, Batch(**batch))
