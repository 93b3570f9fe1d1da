"""RelaxLoss: Chen, Yu, Fritz 2022, arXiv 2207.05801, algorithm 1.

As long as a batch's mean loss is above ``alpha``, it is descended. Below, even epochs push it back up
to ``alpha``, and odd ones flatten the posteriors: the label keeps its probability, and the other classes
share the rest evenly. The published code flattens all records of tables, as here; on images its code
has another formula for the records that are predicted right, which the paper does not give.
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
    """Keeps the training loss at a level that non-members have as well."""

    name: ClassVar[str] = "relaxloss"
    paper: ClassVar[str] = "Chen, Yu, Fritz 2022, arXiv 2207.05801"

    alpha: float = Field(0.5, ge=0, description="the level of the mean training loss, in nats")
    upper: float = Field(
        1.0, gt=0, le=1, description="largest probability that flattening leaves the label"
    )

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Loss per example (batch,); what it is depends on the batch's mean and the epoch."""
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
