"""A small convolutional network for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.models.images import ImageModel

if TYPE_CHECKING:
    from torch import nn


class Cnn(ImageModel):
    """Two 3x3 convolutions and a linear layer; for images.

    ReLU and 2x2 max pooling follow each convolution.
    """

    name: ClassVar[str] = "cnn"
    min_side: ClassVar[int] = 4
    """Two poolings by 2 leave at least one pixel."""

    lr: float = Field(0.05, gt=0, description="learning rate")
    epochs: int = Field(10, ge=1, description="passes over the training set")
    channels: int = Field(
        16, ge=1, description="filters of the first convolution; the second has twice as many"
    )

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a module from images (batch, channels, height, width) to logits (batch, n_classes)."""
        from torch import nn

        in_channels, height, width = shape
        first, second = self.channels, 2 * self.channels
        return nn.Sequential(
            nn.Conv2d(in_channels, first, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(second * (height // 4) * (width // 4), n_classes),
        )
