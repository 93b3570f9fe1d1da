"""The contract of a loss: written for one model, one value per example.

The engine evaluates a loss for all models of a chunk at once. Mixup (Zhang et al. 2018, arXiv
1710.09412), as an example:

    def mixup(forward, batch):
        share = batch.random_inputs                  # (batch, 1), from random_inputs=beta(0.4)
        x = share * batch.x + (1 - share) * batch.x.roll(1, 0)
        log_p = forward(x).log_softmax(-1)
        first, second = (-log_p.gather(1, y[:, None]) for y in (batch.y, batch.y.roll(1, 0)))
        return (share * first + (1 - share) * second)[:, 0]

A loss is a function of its arguments without side effects, because the engine may record it and replay
the recording. What differs between examples or epochs is chosen by ``torch.where``, not by ``if``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from privbench.engine.core.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """The examples of one step for one model, and what the loss receives with them."""

    x: Tensor
    """Records (batch, *shape)."""
    y: Tensor
    """Labels (batch,)."""
    epoch: Tensor
    """Number of the epoch, from 0: int64, a scalar."""
    random_inputs: Tensor | None = None
    """Random numbers (batch, k) drawn for this model, if the training has ``random_inputs``."""
    targets: Tensor | None = None
    """The entries (batch, *) of ``TrainingSets.targets`` for these records, such as soft labels."""
    other_x: Tensor | None = None
    """As many records (batch, *shape) of ``TrainingSets.other``; the model is not trained on them."""
    other_y: Tensor | None = None
    """Labels (batch,) of ``other_x``."""


BATCH_FIELDS = tuple(field.name for field in fields(Batch))
SHARED_BY_MODELS = "epoch"
"""The field of a batch that is the same for all models."""

Forward: TypeAlias = Callable[..., Any]
"""Applies the module, with the weights of one model, to the arguments of its ``forward``."""

Loss: TypeAlias = Callable[[Forward, Batch], Tensor]
"""``loss(forward, batch) -> (batch,)`` for one model."""

RandomInputs: TypeAlias = Callable[[np.random.Generator, int], NDArray[np.float32]]
"""``random_inputs(rng, m)`` draws the numbers (m, k) of one epoch; row i belongs to example i."""

Progress: TypeAlias = Callable[[int, int], None]
"""``progress(done, total)``."""


@dataclass(frozen=True)
class Phase:
    """One of several updates that make up a step, each with its own loss, parameters and optimizer.

    Adversarial regularization, for example, first updates an attack on the model's outputs, then the
    model against that attack. The phases of a step share its batch, and each sees the updates of the
    phases before it.
    """

    loss: Loss
    trains: str = ""
    """Prefix of the names of the parameters to update; by default all parameters are updated."""
    recipe: Recipe | None = None
    """The recipe whose optimizer is used; by default that of the whole training."""


def normal(dim: int) -> RandomInputs:
    """Return random inputs of ``dim`` standard normal numbers per example."""
    return lambda rng, m: rng.standard_normal((m, dim), dtype=np.float32)


def beta(alpha: float) -> RandomInputs:
    """Return random inputs of one number per example from Beta(alpha, alpha), as mixup uses."""
    return lambda rng, m: rng.beta(alpha, alpha, (m, 1)).astype(np.float32)


def cross_entropy(forward: Forward, batch: Batch) -> Tensor:
    """Return the negative log-probability of each label, in nats (batch,)."""
    log_p: Tensor = forward(batch.x).float().log_softmax(-1)  # (batch, classes)
    return -log_p.gather(-1, batch.y[:, None])[:, 0]  # (batch,)


def evaluate(loss: Loss, forward: Forward, batch: Batch) -> Tensor:
    """Return one model's loss per example (batch,). Raises ValueError if it has another shape."""
    losses = loss(forward, batch)
    if losses.shape != batch.y.shape[:1]:
        raise ValueError(
            f"the loss must return one value per example, shape {tuple(batch.y.shape[:1])},"
            f" got {tuple(losses.shape)}"
        )
    return losses


def tensors_of(batch: Batch) -> dict[str, Tensor]:
    """Return the tensors of a batch by field, without the fields that are None."""
    pairs = ((name, getattr(batch, name)) for name in BATCH_FIELDS)
    return {name: tensor for name, tensor in pairs if tensor is not None}


def first_model(batch: Batch) -> Batch:
    """Return the batch of the first of several stacked models."""
    tensors = tensors_of(batch).items()
    return Batch(**{name: t if name == SHARED_BY_MODELS else t[0] for name, t in tensors})


def no_progress(done: int, total: int) -> None:
    """Ignore the progress."""
