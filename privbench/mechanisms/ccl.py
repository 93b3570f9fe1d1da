"""Convex-concave loss: Liu et al. 2024, "Mitigating Privacy Risk in Membership Inference by
Convex-Concave Loss", arXiv 2402.05453.

Gradient descent on a convex loss draws the losses of training records together, which makes members easy
to tell. A concave function of the label's probability p, which is added, spreads them out:

    scale * (alpha * -log p  -  (1 - alpha) * exp(p))          concave = "exponential"
    scale * (alpha * -log p  -  (1 - alpha) * (p + p^2 / 2))   concave = "quadratic"

The quadratic term is the exponential one without the terms of its series that follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.mechanisms.base import PerExampleLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch


class ConvexConcaveLoss(PerExampleLoss):
    """Adds a concave term to the cross-entropy (CCL)."""

    name: ClassVar[str] = "ccl"
    paper: ClassVar[str] = "Liu et al. 2024, arXiv 2402.05453"

    alpha: float = Field(
        0.5, gt=0, le=1, description="weight of the cross-entropy; the rest is concave"
    )
    concave: Literal["exponential", "quadratic"] = Field(
        "exponential", description="concave function of the label's probability"
    )
    scale: float = Field(1.0, gt=0, description="factor of the whole loss")

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the loss per example (batch,)."""
        log_p = forward(batch.x).float().log_softmax(-1).gather(-1, batch.y[:, None])[:, 0]
        p = log_p.exp()
        term = p.exp() if self.concave == "exponential" else p + p**2 / 2
        return -self.scale * (self.alpha * log_p + (1 - self.alpha) * term)
