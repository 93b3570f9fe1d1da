"""Losses: written for one model, one value per example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor

Forward: TypeAlias = Callable[..., Any]
"""Applies the module, with one model's weights, to whatever its ``forward`` takes."""

Loss: TypeAlias = Callable[[Forward, Tensor, Tensor, Tensor | None], Tensor]
"""``loss(forward, x, y, noise) -> (batch,)`` for one model: records (batch, *shape), labels (batch,)
and standard normal noise (batch, noise_dim), or None where no noise was asked for."""

Progress: TypeAlias = Callable[[int, int], None]
"""``progress(done, total)``."""


def cross_entropy(forward: Forward, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
    """Minus the log-probability of the label, in nats, per example (batch,)."""
    log_p: Tensor = forward(x).log_softmax(-1)  # (batch, classes)
    return -log_p.gather(-1, y[:, None])[:, 0]  # (batch,)


def no_progress(done: int, total: int) -> None:
    """Ignore the progress."""
