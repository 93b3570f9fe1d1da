"""Gaussian noise for DP-SGD, which draws as many numbers per step as a model has weights.

On a CPU, torch draws them one by one from a Mersenne twister, which takes a third of the time of a
private step. Here whole arrays of random bits are transformed at once, by the same formula.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


class GaussianNoise:
    """A stream of normal numbers, determined by its seed and the kind of device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._bits = np.random.SFC64(seed)
        self._generator = None
        if device.type != "cpu":
            self._generator = torch.Generator(device).manual_seed(seed)

    def fill(self, out: Tensor, sd: float) -> None:
        """Fill ``out``, float32 (n,), with numbers of mean 0 and standard deviation ``sd``."""
        if self._generator is not None:
            out.normal_(0.0, sd, generator=self._generator)
            return
        # Box and Muller 1958: a point whose angle is uniform and whose squared distance from the origin
        # is exponential has two independent normal coordinates.
        n, values = len(out), out.numpy()
        pairs = n - n // 2
        bits = self._bits.random_raw(pairs).view(np.uint32)
        radius, angle = bits[:pairs].astype(np.float32), bits[pairs:].astype(np.float32)
        radius += 1  # in (0, 1] after scaling: the logarithm is finite
        radius *= 2.0**-32
        np.log(radius, out=radius)
        radius *= -2 * sd**2
        np.sqrt(radius, out=radius)
        angle *= math.tau * 2.0**-32
        np.multiply(radius, np.cos(angle), out=values[:pairs])
        np.multiply(radius[: n // 2], np.sin(angle[: n // 2]), out=values[pairs:])
