"""The parameters of DP-SGD, and its Poisson batches.

Every step takes each record with probability ``sample_rate``, clips each example's gradient to
``max_grad_norm``, adds Gaussian noise of standard deviation ``noise_multiplier * max_grad_norm`` to the
sum, and divides by the expected batch size (Abadi et al. 2016, arXiv 1607.00133, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class PrivateSteps:
    """The parameters of DP-SGD besides the recipe, whose epochs and batch size it ignores."""

    sample_rate: float
    steps: int
    noise_multiplier: float
    max_grad_norm: float

    def lengths(self, m: int) -> list[int]:
        """Return the lengths to which batches of sets of ``m`` records are padded.

        They are two and four standard deviations above the expected batch size, rounded up: few, so that
        a step can be recorded for each. A longer batch is not padded.
        """
        expected = self.sample_rate * m
        sd = (expected * (1 - self.sample_rate)) ** 0.5
        return sorted({min(m, -int(-(expected + k * sd) // 8) * 8) for k in (2, 4)})

    def poisson_batches(self, m: int, rngs: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor]:
        """Draw the batch of each model, and pad all of them to one length.

        Returns:
            Positions in the training sets, int64 (models, batch), and whether each of them is an example
            of the batch, bool (models, batch); the others are padding.
        """
        batches = [np.flatnonzero(rng.random(m) < self.sample_rate) for rng in rngs]
        longest = max(1, *(len(batch) for batch in batches))
        length = next((n for n in self.lengths(m) if n >= longest), longest)
        positions = np.zeros((len(batches), length), np.int64)
        is_example = np.zeros((len(batches), length), bool)
        for row, batch in enumerate(batches):
            positions[row, : len(batch)] = batch
            is_example[row, : len(batch)] = True
        return torch.from_numpy(positions), torch.from_numpy(is_example)
