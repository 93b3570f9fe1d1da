"""Multinomial logistic regression."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from privbench.models.base import TorchModel

if TYPE_CHECKING:
    from torch import nn


class Logistic(TorchModel):
    """Multinomial logistic regression."""

    name: ClassVar[str] = "logistic"

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return one linear layer from records (batch, *shape) to logits (batch, n_classes)."""
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), n_classes))
