"""Gaussian diffusion of numbers and multinomial diffusion of categories.

- Gaussian: Ho, Jain, Abbeel 2020, "Denoising Diffusion Probabilistic Models", arXiv 2006.11239.
- Multinomial: Hoogeboom et al. 2021, "Argmax Flows and Multinomial Diffusion", arXiv 2102.05379.
- Cosine schedule: Nichol, Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models", arXiv
  2102.09672.

Tensors have the leading axes (models, records). Categories are one-hot, all blocks side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot


@dataclass(frozen=True)
class Schedule:
    """How much of a record is left at each timestep.

    Attributes:
        alpha: float32 (timesteps,), the share of the variance that a step keeps.
        alpha_bar: float32 (timesteps,), the product of the shares up to a step.
    """

    alpha: Tensor
    alpha_bar: Tensor

    @classmethod
    def cosine(cls, timesteps: int) -> Schedule:
        """Return the cosine schedule (Nichol, Dhariwal 2021, equation 17)."""
        u = (torch.arange(timesteps + 1, dtype=torch.float64) / timesteps + 0.008) / 1.008
        kept = torch.cos(u * math.pi / 2) ** 2
        alpha = (kept[1:] / kept[:-1]).clamp(min=0.001)
        return cls(alpha.float(), alpha.cumprod(0).float())

    def __len__(self) -> int:
        return len(self.alpha)

    def before(self, t: Tensor) -> Tensor:
        """Return ``alpha_bar`` one step earlier; 1 at the first."""
        return torch.where(t > 0, self.alpha_bar[(t - 1).clamp(min=0)], 1.0)


def blocks_of(x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """Return the blocks (..., size) of the one-hot features (..., features) of categories."""
    return torch.split(x, list(sizes), -1)


def noisy_numbers(schedule: Schedule, x: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """Return numbers (..., d) at timesteps (...), given standard normal noise."""
    kept = schedule.alpha_bar[t][..., None]
    return kept.sqrt() * x + (1 - kept).sqrt() * noise


def noisy_categories(
    schedule: Schedule, x: Tensor, t: Tensor, uniform: Tensor, sizes: tuple[int, ...]
) -> Tensor:
    """Return one-hot categories (..., features) at timesteps (...).

    Args:
        schedule: how much is left.
        x: one-hot categories.
        t: int64 (...), timesteps.
        uniform: float32 (..., features) in (0, 1), whose Gumbel noise draws the categories.
        sizes: the number of categories of each block.
    """
    kept = schedule.alpha_bar[t][..., None]
    return _drawn([kept * b + (1 - kept) / b.shape[-1] for b in blocks_of(x, sizes)], uniform)


def previous_numbers(
    schedule: Schedule, x: Tensor, predicted: Tensor, t: Tensor, noise: Tensor, limits: Tensor
) -> Tensor:
    """Return numbers one step earlier, given the noise that the network predicts in them.

    The numbers that it thereby predicts for the first step are kept within ``limits`` (2, d): the last
    steps of the schedule would multiply a small error of the network by 30 (Ho, Jain, Abbeel 2020,
    equation 7).
    """
    alpha, kept = schedule.alpha[t][..., None], schedule.alpha_bar[t][..., None]
    before = schedule.before(t)[..., None]
    first = ((x - (1 - kept).sqrt() * predicted) / kept.sqrt()).clamp(limits[0], limits[1])
    mean = (before.sqrt() * (1 - alpha) * first + alpha.sqrt() * (1 - before) * x) / (1 - kept)
    variance = (1 - alpha) * (1 - before) / (1 - kept)
    return mean + variance.sqrt() * noise  # the variance is 0 at the first step


def previous_categories(
    schedule: Schedule,
    x: Tensor,
    logits: Tensor,
    t: Tensor,
    uniform: Tensor,
    sizes: tuple[int, ...],
) -> Tensor:
    """Return categories one step earlier, given the logits of the network for the first ones."""
    blocks = zip(blocks_of(x, sizes), blocks_of(logits, sizes), strict=True)
    return _drawn([_posterior(schedule, b, o.softmax(-1), t) for b, o in blocks], uniform)


def number_losses(noise: Tensor, predicted: Tensor) -> Tensor:
    """Return the mean squared error of the predicted noise (...)."""
    return (noise - predicted).square().mean(-1)


def category_losses(
    schedule: Schedule,
    first: Tensor,
    x: Tensor,
    logits: Tensor,
    t: Tensor,
    sizes: tuple[int, ...],
) -> Tensor:
    """Return the divergence of the model's step back from the true one (...), averaged over blocks.

    At the first step it is minus the log-probability of the categories.
    """
    total = torch.zeros_like(t, dtype=x.dtype)
    blocks = zip(*(blocks_of(each, sizes) for each in (first, x, logits)), strict=True)
    for one, noisy, output in blocks:
        guess = output.softmax(-1)
        true, model = (_posterior(schedule, noisy, start, t) for start in (one, guess))
        divergence = (true * (true.clamp(min=1e-12).log() - model.clamp(min=1e-12).log())).sum(-1)
        likelihood = -(one * output.log_softmax(-1)).sum(-1)
        total = total + torch.where(t > 0, divergence, likelihood)
    return total / len(sizes)


def _posterior(schedule: Schedule, x: Tensor, start: Tensor, t: Tensor) -> Tensor:
    """Return the probabilities of categories one step before ``x``, given those of the first."""
    alpha, before = schedule.alpha[t][..., None], schedule.before(t)[..., None]
    size = x.shape[-1]
    joint = (alpha * x + (1 - alpha) / size) * (before * start + (1 - before) / size)
    return joint / joint.sum(-1, keepdim=True)


def _drawn(probabilities: list[Tensor], uniform: Tensor) -> Tensor:
    """Draw a category from each block by Gumbel noise; one-hot."""
    sizes = [p.shape[-1] for p in probabilities]
    drawn = []
    for p, u in zip(probabilities, blocks_of(uniform, sizes), strict=True):
        gumbel = -(-u.clamp(1e-20, 1 - 1e-7).log()).log()
        chosen = (p.clamp(min=1e-30).log() + gumbel).argmax(-1)
        drawn.append(one_hot(chosen, p.shape[-1]).to(u.dtype))
    return torch.cat(drawn, -1)
