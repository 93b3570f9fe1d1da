"""The network of ``resnet9``."""

from __future__ import annotations

from torch import Tensor, nn

SCALE = 0.125
"""Of the logits (Page 2018): it slows the last layer, so that one learning rate suits all."""


class ResNet9Network(nn.Module):
    """Images (batch, channels, height, width) to logits (batch, n_classes)."""

    def __init__(self, channels: int, n_classes: int, width: int, groups: int) -> None:
        super().__init__()
        one, two, four = width, 2 * width, 4 * width
        self.layers = nn.Sequential(
            convolution(channels, one, groups),
            *(convolution(one, two, groups), nn.MaxPool2d(2)),  # half the pixels a side
            Residual(two, groups),
            *(convolution(two, four, groups), nn.MaxPool2d(2)),  # a quarter
            *(convolution(four, four, groups), nn.MaxPool2d(2)),  # an eighth
            Residual(four, groups),
        )
        self.last = nn.Linear(four, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.layers(x).amax((2, 3))  # (batch, 4 width)
        logits: Tensor = SCALE * self.last(features)
        return logits


class Residual(nn.Module):
    """Two convolutions, and what came in added to what comes out."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.first = convolution(width, width, groups)
        self.second = convolution(width, width, groups)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out


def convolution(channels: int, filters: int, groups: int) -> nn.Module:
    """A 3x3 convolution that keeps the size, GroupNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1, bias=False),
        nn.GroupNorm(groups, filters),
        nn.ReLU(),
    )
