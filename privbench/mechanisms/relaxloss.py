"""RelaxLoss: Chen, Yu, Fritz 2022, arXiv 2207.05801, algorithm 1.

What a step minimises depends on the mean loss of the batch and on the epoch:
- above ``alpha``: the loss;
- below ``alpha``, in even epochs: the distance of the mean loss from ``alpha``;
- below ``alpha``, in odd epochs: the cross-entropy to flattened outputs, in which the label keeps its
  probability and the other classes share the rest evenly.

For tables, the published code flattens the outputs of all records, as here. For images, it uses another
formula for records that are classified correctly, which the paper does not give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import PerExampleLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch


class RelaxLoss(PerExampleLoss):
    """Keeps the training loss at the level of non-members."""

    name: ClassVar[str] = "relaxloss"
    paper: ClassVar[str] = "Chen, Yu, Fritz 2022, arXiv 2207.05801"

    alpha: float = Field(0.5, ge=0, description="target of the mean training loss, in nats")
    upper: float = Field(
        1.0, gt=0, le=1, description="largest probability of the label in flattened outputs"
    )

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the loss per example (batch,)."""
        import torch
        from torch.nn import functional

        log_p = forward(batch.x).float().log_softmax(-1)
        label = functional.one_hot(batch.y, log_p.shape[-1])
        losses = -(log_p * label).sum(-1)
        p = (log_p.exp() * label).sum(-1, keepdim=True).detach().clamp_max(self.upper)
        soft = p * label + (1 - p) / (log_p.shape[-1] - 1) * (1 - label)
        flattened = -(soft * log_p).sum(-1)
        mean = losses.mean()
        relaxed = torch.where(batch.epoch % 2 == 0, (mean - self.alpha).abs(), flattened)
        return torch.where(mean > self.alpha, losses, relaxed)
