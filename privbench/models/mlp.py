"""The multilayer perceptron."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from privbench.models.base import TorchModel

if TYPE_CHECKING:
    from torch import nn


class Mlp(TorchModel):
    """Multilayer perceptron with ReLU."""

    name: ClassVar[str] = "mlp"

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (128,), min_length=1, description="units of each hidden layer"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of hidden units dropped during training"
    )

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a module from records (batch, *shape) to logits (batch, n_classes)."""
        from torch import nn

        layers: list[nn.Module] = [nn.Flatten()]
        width = prod(shape)
        for units in self.hidden:
            layers += [nn.Linear(width, units), nn.ReLU()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = units
        return nn.Sequential(*layers, nn.Linear(width, n_classes))
