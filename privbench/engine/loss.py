"""Losses: written for one model, one value per example; the engine runs them for a population.

    def mixup(forward, batch):                       # Zhang et al. 2018, arXiv 1710.09412
        share = batch.noise                          # (batch, 1), from noise=beta(0.4)
        x = share * batch.x + (1 - share) * batch.x.roll(1, 0)
        log_p = forward(x).log_softmax(-1)
        own, other = (-log_p.gather(1, y[:, None]) for y in (batch.y, batch.y.roll(1, 0)))
        return (share * own + (1 - share) * other)[:, 0]

A loss is a function of its arguments and has no side effects: the engine may record it and replay it.
What differs between examples or epochs is chosen by ``torch.where``, not by ``if``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from privbench.engine.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """What one model sees in one step."""

    x: Tensor
    """Records (batch, *shape)."""
    y: Tensor
    """Labels (batch,)."""
    epoch: Tensor
    """Number of the epoch, from 0: int64, a scalar."""
    noise: Tensor | None = None
    """The model's own random numbers (batch, k), where the loss asked for some; see ``Noise``."""
    targets: Tensor | None = None
    """What ``TrainingSets.targets`` says of each record (batch, *): a teacher's answers, say."""
    other_x: Tensor | None = None
    """As many records (batch, *shape) of ``TrainingSets.other``, which the model is not trained on."""
    other_y: Tensor | None = None
    """Their labels (batch,)."""


Forward: TypeAlias = Callable[..., Any]
"""Applies the module, with one model's weights, to whatever its ``forward`` takes."""

Loss: TypeAlias = Callable[[Forward, Batch], Tensor]
"""``loss(forward, batch) -> (batch,)`` for one model."""

Noise: TypeAlias = Callable[[np.random.Generator, int], NDArray[np.float32]]
"""``noise(rng, m)`` draws the random numbers (m, k) of one model's epoch; row i is of example i."""

Progress: TypeAlias = Callable[[int, int], None]
"""``progress(done, total)``."""


@dataclass(frozen=True)
class Phase:
    """One of several updates that make a step, each with its loss, its parameters and its optimizer.

    Adversarial regularisation, for one, first improves an attack on the model's answers, then the
    model against that attack. The phases of a step share its batch, and each sees what the ones
    before it have done.
    """

    loss: Loss
    trains: str = ""
    """Parameters whose names start so are updated; all of them by default."""
    recipe: Recipe | None = None
    """Whose optimizer is used; that of the whole training by default."""


def normal(dim: int) -> Noise:
    """Standard normal noise, ``dim`` numbers an example."""
    return lambda rng, m: rng.standard_normal((m, dim), dtype=np.float32)


def beta(alpha: float) -> Noise:
    """One number an example from Beta(alpha, alpha): how much mixup keeps of the record."""
    return lambda rng, m: rng.beta(alpha, alpha, (m, 1)).astype(np.float32)


def cross_entropy(forward: Forward, batch: Batch) -> Tensor:
    """Minus the log-probability of the label, in nats, per example (batch,)."""
    log_p: Tensor = forward(batch.x).float().log_softmax(-1)  # (batch, classes)
    return -log_p.gather(-1, batch.y[:, None])[:, 0]  # (batch,)


def no_progress(done: int, total: int) -> None:
    """Ignore the progress."""
