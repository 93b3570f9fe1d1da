"""ResNet-9 with GroupNorm, for CIFAR-10 and images like it.

The network of Page 2018, the winner of DAWNBench (How to train your ResNet,
https://myrtle.ai/learn/how-to-train-your-resnet/), with what differentially private training made of it
(Klause et al. 2022, arXiv 2203.00324): GroupNorm in place of BatchNorm, which mixes the examples of a
batch, and 256 filters at the end instead of 512, 2.4 million weights instead of 6.6. Different from
both: GroupNorm has 8 groups, so that narrow networks are possible, and the last pooling is global, so
that 28x28 images fit as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from privbench.models.images import ImageModel

if TYPE_CHECKING:
    from torch import nn


class ResNet9(ImageModel):
    """ResNet-9 with GroupNorm: eight 3x3 convolutions in two residual blocks and around; for images."""

    name: ClassVar[str] = "resnet9"
    paper = "Page 2018, How to train your ResNet; Klause et al. 2022, arXiv 2203.00324"
    smallest: ClassVar[int] = 8
    """Pixels a side that survive three poolings by 2."""

    lr: float = Field(0.1, gt=0, description="learning rate")
    weight_decay: float = Field(5e-4, ge=0, description="L2 penalty (adamw: decoupled)")
    epochs: int = Field(30, ge=1, description="passes over the training set")
    batch_size: int = Field(128, ge=1, description="records a step")
    flip: bool = Field(
        True, description="mirror each image left to right with probability 1/2 while training"
    )
    crop: int = Field(
        4,
        ge=0,
        description="shift each image by up to so many pixels while training (reflect padding)",
    )
    width: int = Field(
        64,
        ge=1,
        le=1024,
        description="filters of the first layer; later ones have 2 and 4 times as many",
    )
    groups: int = Field(
        8, ge=1, description="groups of GroupNorm in every layer; must divide width"
    )

    @field_validator("groups")
    @classmethod
    def _divides(cls, groups: int, info: ValidationInfo) -> int:
        width = info.data.get("width", groups)  # missing if it is wrong itself
        if width % groups:
            raise ValueError(f"must divide width, which is {width}")
        return groups

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Images (batch, channels, height, width) to logits (batch, n_classes)."""
        from privbench.models.resnet9_network import ResNet9Network

        return ResNet9Network(shape[0], n_classes, self.width, self.groups)
