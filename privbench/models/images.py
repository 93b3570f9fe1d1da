"""What target models of images share: augmentation, and which data they cannot take."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.data import DataSpec
from privbench.models.base import TorchModel

if TYPE_CHECKING:
    from privbench.engine import Augmentation


class ImageModel(TorchModel):
    """A torch module for images (channels, height, width) of at least ``smallest`` pixels a side."""

    smallest: ClassVar[int]
    seedless: ClassVar[frozenset[str]] = TorchModel.seedless | {"flip", "crop"}

    flip: bool = Field(
        False, description="mirror each image left to right with probability 1/2 while training"
    )
    crop: int = Field(
        0,
        ge=0,
        description="shift each image by up to so many pixels while training (reflect padding)",
    )

    def augmentation(self) -> Augmentation | None:
        """Random flips and crops; None if both are off."""
        if not self.flip and not self.crop:
            return None
        from privbench.engine import Augmentation

        return Augmentation(flip=self.flip, crop=self.crop)

    def skip(self, spec: DataSpec) -> str:
        """Images only, of at least ``smallest`` pixels a side, and larger than ``crop``."""
        if spec.kind != "image" or len(spec.shape) != 3:
            return f"{self.name} needs images, and these records are {spec.kind}"
        height, width = spec.shape[1:]
        least = self.smallest
        if min(height, width) < least:
            return f"{self.name} needs at least {least}x{least} pixels, got {height}x{width}"
        if min(height, width) <= self.crop:
            return f"{self.name} with crop = {self.crop} needs more pixels, got {height}x{width}"
        return ""
