"""ResNet-9 with GroupNorm, for CIFAR-10 and similar images.

The network is that of Page 2018, "How to train your ResNet"
(https://myrtle.ai/learn/how-to-train-your-resnet/), with the changes of Klause et al. 2022, arXiv
2203.00324, for differentially private training:
- GroupNorm replaces BatchNorm, which mixes the examples of a batch.
- The last layers have 256 filters instead of 512: 2.4 million weights instead of 6.6 million.

Differences from both: GroupNorm has 8 groups, which allows narrower networks, and the last pooling is
global, which allows 28x28 images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from privbench.models.images import ImageModel

if TYPE_CHECKING:
    from torch import nn


class ResNet9(ImageModel):
    """ResNet-9 with GroupNorm; for images."""

    name: ClassVar[str] = "resnet9"
    paper = "Page 2018, How to train your ResNet; Klause et al. 2022, arXiv 2203.00324"
    min_side: ClassVar[int] = 8
    """Three poolings by 2 leave at least one pixel."""

    lr: float = Field(0.1, gt=0, description="learning rate")
    weight_decay: float = Field(5e-4, ge=0, description="L2 penalty (adamw: decoupled)")
    epochs: int = Field(30, ge=1, description="passes over the training set")
    batch_size: int = Field(128, ge=1, description="records per step")
    flip: bool = Field(
        True, description="flip each image horizontally with probability 1/2 during training"
    )
    crop: int = Field(
        4,
        ge=0,
        description="shift each image by up to this many pixels during training (reflect padding)",
    )
    width: int = Field(
        64,
        ge=1,
        le=1024,
        description="filters of the first layer; later layers have 2 and 4 times as many",
    )
    groups: int = Field(8, ge=1, description="groups of every GroupNorm layer; must divide width")

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: int, info: ValidationInfo) -> int:
        width = info.data.get("width", groups)  # missing if width itself is invalid
        if width % groups:
            allowed = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
            raise ValueError(f"does not divide width, which is {width} (allowed: {allowed})")
        return groups

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a module from images (batch, channels, height, width) to logits (batch, n_classes)."""
        from privbench.models.resnet9_network import ResNet9Network

        return ResNet9Network(shape[0], n_classes, self.width, self.groups)
