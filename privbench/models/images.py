"""The base class of target models for images: augmentation, and the smallest image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.data import DataSpec
from privbench.models.base import TorchModel

if TYPE_CHECKING:
    from privbench.engine import Augmentation


class ImageModel(TorchModel):
    """A torch module for images (channels, height, width)."""

    min_side: ClassVar[int]
    """The smallest height and width that the network supports, in pixels."""
    seedless: ClassVar[frozenset[str]] = TorchModel.seedless | {"flip", "crop"}

    flip: bool = Field(
        False, description="flip each image horizontally with probability 1/2 during training"
    )
    crop: int = Field(
        0,
        ge=0,
        description="shift each image by up to this many pixels during training (reflect padding)",
    )

    def augmentation(self) -> Augmentation | None:
        """Return random flips and crops; None if both are off."""
        if not self.flip and not self.crop:
            return None
        from privbench.engine import Augmentation

        return Augmentation(flip=self.flip, crop=self.crop)

    def skip(self, spec: DataSpec) -> str:
        """Return why the records are not images or are too small; empty if the model supports them."""
        if spec.kind != "image" or len(spec.shape) != 3:
            return f"{self.name} needs images, and these records are {spec.kind}"
        height, width = spec.shape[1:]
        side = self.min_side
        if min(height, width) < side:
            return f"{self.name} needs at least {side}x{side} pixels, got {height}x{width}"
        if min(height, width) <= self.crop:
            return f"{self.name} with crop = {self.crop} needs larger images, got {height}x{width}"
        return ""
