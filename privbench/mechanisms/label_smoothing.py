"""Label smoothing (Szegedy et al. 2016, arXiv 1512.00567, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import PerExampleLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch


class LabelSmoothing(PerExampleLoss):
    """Labels mixed with the uniform distribution."""

    name: ClassVar[str] = "label-smoothing"
    paper: ClassVar[str] = "Szegedy et al. 2016, arXiv 1512.00567"

    smoothing: float = Field(
        0.1, gt=0, le=1, description="weight of the uniform distribution in a label"
    )

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the cross-entropy (batch,) to (1 - smoothing) one_hot + smoothing / classes."""
        log_p = forward(batch.x).float().log_softmax(-1)
        log_p_label = log_p.gather(-1, batch.y[:, None])[:, 0]
        return -(1 - self.smoothing) * log_p_label - self.smoothing * log_p.mean(-1)
