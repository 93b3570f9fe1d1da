"""Loop over epochs, for the strategies ``batched`` and ``sequential``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from privbench.engine.core.divergence import check_finite
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import Batch
from privbench.engine.core.randomness import ModelDropout


class PhaseUpdate(Protocol):
    """One phase of a step: computes gradients of a batch and updates the weights."""

    def step(self, batch: Batch) -> None:
        """Update the weights by a batch (models, batch, ...)."""
        ...


def train_epochs(
    job: TrainingJob,
    models: range,
    phases: Sequence[PhaseUpdate],
    weights: Mapping[str, Tensor],
    trained: Sequence[Tensor],
) -> None:
    """Run all epochs of some models.

    Args:
        models: The models, whose batches and dropout masks are drawn from their own generators.
        phases: The updates that make up a step, in order.
        weights: Stacked parameters and buffers (models, ...) that the phases update in place.
        trained: Those of the weights that are checked for divergence.
    """
    draws = job.draws(models)
    dropout, best = ModelDropout(draws), job.best_weights()
    for epoch in range(job.recipe.epochs):
        for step, batch in enumerate(job.batches(models, draws, epoch)):
            for phase in phases:
                with dropout.scope(step):
                    phase.step(batch)
        when = f"in epoch {epoch + 1} of {job.recipe.epochs}"
        check_finite(trained, models, when, job.recipe.lr)
        job.tick(len(models))
        if best is not None and best.update(weights):
            break
    if best is not None:
        best.restore(weights)
