"""Mixup (Zhang et al. 2018, arXiv 1710.09412)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import PerExampleLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from privbench.engine import Batch


class Mixup(PerExampleLoss):
    """Trains on mixtures of two records and their labels."""

    name: ClassVar[str] = "mixup"
    paper: ClassVar[str] = "Zhang et al. 2018, arXiv 1710.09412"

    alpha: float = Field(1.0, gt=0, description="shares come from Beta(alpha, alpha); 1 is uniform")

    def random_inputs(self, rng: np.random.Generator, m: int) -> NDArray[np.float32]:
        """Return the share (m, 1) of each record in its mixture."""
        return shares(self.alpha, rng, m)

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the cross-entropy per mixture (batch,)."""
        return mixed_cross_entropy(forward, batch)


def shares(alpha: float, rng: np.random.Generator, m: int) -> NDArray[np.float32]:
    """Draw the share (m, 1) of each record in its mixture from Beta(alpha, alpha)."""
    drawn: NDArray[np.float32] = rng.beta(alpha, alpha, (m, 1)).astype("float32")
    return drawn


def mixed_cross_entropy(forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the cross-entropy (batch,) of mixtures, equations 1 and 2.

    Each record is mixed with the preceding one in the batch; ``batch.random_inputs`` (batch, 1) is
    its share.
    """
    assert batch.random_inputs is not None
    share = batch.random_inputs  # (batch, 1)
    share_of_features = share.view(-1, *[1] * (batch.x.ndim - 1))
    mixed = share_of_features * batch.x + (1 - share_of_features) * batch.x.roll(1, 0)
    log_p = forward(mixed).float().log_softmax(-1)
    log_p_own, log_p_other = (log_p.gather(-1, y[:, None]) for y in (batch.y, batch.y.roll(1, 0)))
    return -(share * log_p_own + (1 - share) * log_p_other)[:, 0]
