"""Inspect a module's architecture: which layers convolve, and which parameters are trained."""

from __future__ import annotations

from torch import nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.modules.conv._ConvTransposeNd)
"""Layers that are slow on a CPU when models are stacked, and gain from several threads when not."""


def trainable(module: nn.Module) -> list[str]:
    """Return the names of the parameters that require gradients."""
    return [name for name, p in module.named_parameters() if p.requires_grad]
