"""Augmentation of images by random flips and shifts.

This is the standard recipe for CIFAR-10, also of the shadow models of Carlini et al. 2022 (arXiv
2112.03570): flip left to right with probability 1/2, pad by 4 pixels, and crop to the original size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Flips images left to right, then shifts them by up to ``crop`` pixels in each direction.

    The image is padded by reflection without repeating its edge (``np.pad(mode="reflect")``). All
    randomness comes in as uniform numbers. Raises ValueError naming the field if ``crop`` is negative.
    """

    flip: bool
    crop: int

    draws: ClassVar[int] = 3
    """Uniform numbers per image: for the flip, the shift of rows and the shift of columns."""

    def __post_init__(self) -> None:
        if self.crop < 0:
            raise ValueError(f"crop: {self.crop} is out of bounds (allowed: 0 and more)")

    def __call__(self, x: Tensor, uniform: Tensor) -> Tensor:
        """Augment images.

        Args:
            x: Images (*lead, channels, height, width).
            uniform: Numbers in [0, 1), float32 (*lead, 3), on the same device. An image is flipped if
                its first number is below 1/2.

        Returns:
            Images of the shape and type of ``x``.

        Raises:
            ValueError: If shapes do not fit, or images are not larger than ``crop``.
        """
        self._check(x, uniform)
        if not self.flip and not self.crop:
            return x
        *lead, channels, height, width = x.shape
        flips, down, right = uniform.reshape(-1, 3).unbind(1)  # (images,) each
        rows = self._shifted(height, down)  # (images, height)
        columns = self._shifted(width, right)  # (images, width)
        if self.flip:
            columns = torch.where(flips[:, None] < 0.5, width - 1 - columns, columns)
        pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (images, pixels)
        flat = x.reshape(len(pixels), channels, height * width)
        picked = flat.gather(2, pixels[:, None, :].expand_as(flat))
        return picked.view(*lead, channels, height, width)

    def _shifted(self, size: int, uniform: Tensor) -> Tensor:
        """Return the source of each of ``size`` rows or columns: int64 (images, size)."""
        shift = (uniform * (2 * self.crop + 1)).long() - self.crop  # (images,)
        place = torch.arange(size, device=uniform.device) + shift[:, None]
        last = size - 1
        return last - (last - place.abs()).abs()  # reflected at 0, then at the last pixel

    def _check(self, x: Tensor, uniform: Tensor) -> None:
        expected = (*x.shape[:-3], self.draws)
        if x.ndim < 4 or uniform.shape != expected:
            raise ValueError(
                f"uniform: got shape {tuple(uniform.shape)} for images {tuple(x.shape)}; images must"
                f" be (..., channels, height, width), and uniform {expected}"
            )
        if min(x.shape[-2:]) <= self.crop:
            height, width = x.shape[-2:]
            raise ValueError(
                f"crop: {self.crop} pixels are too many for images of {height}x{width}"
            )
