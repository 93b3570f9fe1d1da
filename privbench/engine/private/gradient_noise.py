"""The Gaussian noise that DP-SGD adds to the gradients of each model of a chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privbench.engine.private.gaussian import GaussianNoise


class GradientNoise:
    """Noise for stacked gradients; each model's noise comes from its own stream.

    The noise of all parameters of one model is drawn before that of the next model, into the same
    memory, and is added while the cache still holds it.
    """

    def __init__(
        self,
        rngs: Sequence[np.random.Generator],
        sd: float,
        shapes: Sequence[torch.Size],
        device: torch.device,
    ) -> None:
        """Seed a stream by each model's generator; ``shapes`` are those of one model's parameters."""
        self._sd = sd
        self._streams = [GaussianNoise(int(rng.integers(2**63)), device) for rng in rngs]
        sizes = [shape.numel() for shape in shapes]
        self._drawn = torch.empty(sum(sizes), device=device)
        parts = zip(torch.split(self._drawn, sizes), shapes, strict=True)
        self._parts = [part.view(shape) for part, shape in parts]

    def add_to(self, gradients: Sequence[Tensor | list[Tensor]]) -> None:
        """Add noise in place to the gradients (models, ...) of all parameters, in order."""
        for model, stream in enumerate(self._streams):
            stream.fill(self._drawn, self._sd)
            torch._foreach_add_([gradient[model] for gradient in gradients], self._parts)
