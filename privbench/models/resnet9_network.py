"""The network of ``resnet9``. Imports torch: import it lazily."""

from __future__ import annotations

from torch import Tensor, nn

LOGIT_SCALE = 0.125
"""Factor of the logits (Page 2018). It reduces the effective learning rate of the last layer."""


class ResNet9Network(nn.Module):
    """Maps images (batch, channels, height, width) to logits (batch, n_classes)."""

    def __init__(self, channels: int, n_classes: int, width: int, groups: int) -> None:
        super().__init__()
        width2, width4 = 2 * width, 4 * width
        self.layers = nn.Sequential(
            convolution(channels, width, groups),
            *(convolution(width, width2, groups), nn.MaxPool2d(2)),  # 1/2 of the side
            Residual(width2, groups),
            *(convolution(width2, width4, groups), nn.MaxPool2d(2)),  # 1/4
            *(convolution(width4, width4, groups), nn.MaxPool2d(2)),  # 1/8
            Residual(width4, groups),
        )
        self.last = nn.Linear(width4, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.layers(x).amax((2, 3))  # (batch, 4 width)
        logits: Tensor = LOGIT_SCALE * self.last(features)
        return logits


class Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.first = convolution(width, width, groups)
        self.second = convolution(width, width, groups)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out


def convolution(channels: int, filters: int, groups: int) -> nn.Module:
    """Return a 3x3 convolution that keeps the size, followed by GroupNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1, bias=False),
        nn.GroupNorm(groups, filters),
        nn.ReLU(),
    )
