"""Which strategy trains a population fastest, from measurements on CPUs.

- Small dense models spend their time between the operations: 16 at once are several times faster.
- ``vmap`` turns a convolution into a grouped one, which is 40 times slower on a CPU.
- Modules that mix examples (BatchNorm) or keep state in the forward pass do not survive stacking.
- More models at once than fit into the CPU's cache are slower again, see ``CACHE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

Strategy = Literal["batched", "sequential", "processes"]
"""All models of a chunk as one computation; one model after another; the same in worker processes."""

CACHE = 32 * 2**20
"""Bytes of weights, gradients and moments that a CPU trains at once without losing speed."""
MEMORY = 2**30
"""Bytes that training may take at once on a CPU, beside the data."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.modules.conv._ConvTransposeNd)
_STATEFUL = (nn.modules.batchnorm._NormBase, nn.RNNBase)
_OWN_DRAWS = nn.Dropout
"""Random layers whose draws the engine makes each model's own, also when stacked."""


def memory_of(device: torch.device) -> int:
    """Bytes that training may take: on a GPU three quarters of what is free."""
    return MEMORY if device.type != "cuda" else torch.cuda.mem_get_info(device)[0] * 3 // 4


@dataclass(frozen=True)
class Choice:
    """How a population is trained: strategy, models at once, and why."""

    strategy: Strategy
    chunk: int
    reason: str
    parallel: bool = False
    """Whether chunks may be trained side by side: the module draws no random numbers of its own."""
    fork: bool = False
    """Whether what is trained side by side is trained in worker processes."""
    recorded: bool = False
    """Whether a step can be recorded: it draws no random numbers at all."""

    def __str__(self) -> str:
        return f"{self.strategy}: {self.reason}"


def choose(module: nn.Module, n_models: int, device: torch.device | str = "cpu") -> Choice:
    """The strategy for ``n_models`` models like ``module``, by its architecture alone."""
    device = torch.device(device)
    obstacle = _obstacle(module, device)
    if obstacle:
        return Choice("sequential", 1, obstacle)
    if n_models == 1:
        return Choice("sequential", 1, "a single model")
    return Choice("batched", *largest_chunk(module, n_models, device))


def largest_chunk(
    module: nn.Module,
    n_models: int,
    device: torch.device,
    *,
    copies: int = 3,
    activations: int = 0,
    memory: int = MEMORY,
    workers: int = 1,
) -> tuple[int, str]:
    """How many models to train at once, and what limits it.

    ``copies`` is the number of tensors of the weights' size that training keeps (``Recipe.copies``),
    ``activations`` the bytes that one model's step saves for the backward pass, ``memory`` the
    bytes that all models trained at once may take, by ``workers`` chunks side by side.
    """
    weights = copies * sum(p.numel() * p.element_size() for p in module.parameters())
    step = 2 * activations  # saved by the forward pass, and their gradients
    fits = max(1, memory // workers // max(1, weights + step))
    cached = max(1, CACHE // workers // max(1, weights)) if device.type == "cpu" else n_models
    size, why = min((n_models, "all of them"), (cached, "the cache"), (fits, "the memory budget"))
    rounds = -(-n_models // size)
    even = -(-n_models // rounds)
    return even, f"{even} models at once ({why})"


def _obstacle(module: nn.Module, device: torch.device) -> str:
    for part in module.modules():
        name = type(part).__name__
        if isinstance(part, _STATEFUL):
            return f"{name} keeps state or mixes examples"
        if isinstance(part, nn.modules.dropout._DropoutNd) and not isinstance(part, _OWN_DRAWS):
            return f"{name} draws masks that would depend on the other models"
        if isinstance(part, CONVOLUTIONS) and device.type == "cpu":
            return f"{name}: stacked convolutions are slow on a CPU"
    return ""
