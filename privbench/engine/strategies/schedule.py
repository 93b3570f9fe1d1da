"""Choose the fastest way to train a population, by its architecture and measurements on CPUs.

- Small dense models spend most of their time between operations: 16 at once are several times faster.
- ``vmap`` turns a convolution into a grouped one, which is 40 times slower on a CPU.
- Modules that mix examples (BatchNorm) or keep state in the forward pass cannot be stacked.
- A CPU gets slower again when the models trained at once do not fit into its cache, see ``CACHE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from privbench.engine.core.architecture import CONVOLUTIONS

Strategy = Literal["batched", "sequential", "processes"]
"""All models of a chunk as one computation; one model after another; one by one in worker processes."""

CACHE = 32 * 2**20
"""Bytes of weights, gradients and moments that a CPU trains at once without losing speed."""
MEMORY = 2**30
"""Bytes that training may use on a CPU by default, beside the data."""

_STATEFUL = (nn.modules.batchnorm._NormBase, nn.RNNBase)
_SUPPORTED_DROPOUT = nn.Dropout
"""The random layer whose masks the engine draws for each model, also when models are stacked."""


def default_memory(device: torch.device) -> int:
    """Return the bytes that training may use: on a GPU half of what it has.

    It does not depend on what is free, since the last bit of a weight depends on how many models are
    trained at once.
    """
    return MEMORY if device.type != "cuda" else torch.cuda.mem_get_info(device)[1] // 2


@dataclass(frozen=True)
class Schedule:
    """How a population is trained: the strategy, how many models at once, and why."""

    strategy: Strategy
    chunk: int
    reason: str
    parallel: bool = False
    """Whether chunks may be trained side by side; not if the module draws its own random numbers."""
    fork: bool = False
    """Whether chunks side by side are trained in worker processes, or else in threads."""
    recorded: bool = False
    """Whether steps are recorded and replayed; not if they draw random numbers."""

    def __str__(self) -> str:
        return f"{self.strategy}: {self.reason}"


def schedule_for(module: nn.Module, n_models: int, device: torch.device | str = "cpu") -> Schedule:
    """Return the schedule of ``n_models`` models like ``module``, judged by its architecture alone."""
    device = torch.device(device)
    obstacle = _obstacle_to_stacking(module, device)
    if obstacle:
        return Schedule("sequential", 1, obstacle)
    if n_models == 1:
        return Schedule("sequential", 1, "a single model")
    return Schedule("batched", *largest_chunk(module, n_models, device))


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
    """Return how many models to train at once, and what limits that number.

    Args:
        module: One of the models.
        n_models: The models of the population.
        device: Where they are trained.
        copies: Tensors of the weights' size that training keeps (``Recipe.copies``).
        activations: Bytes that one model's step saves for the backward pass.
        memory: Bytes that all models trained at the same time may use.
        workers: Chunks that are trained side by side.
    """
    weights = copies * sum(p.numel() * p.element_size() for p in module.parameters())
    step = 2 * activations  # saved by the forward pass, and their gradients
    fits = max(1, memory // workers // max(1, weights + step))
    cached = max(1, CACHE // workers // max(1, weights)) if device.type == "cpu" else n_models
    size, why = min((n_models, "all of them"), (cached, "the cache"), (fits, "the memory budget"))
    rounds = -(-n_models // size)
    even = -(-n_models // rounds)
    return even, f"{even} models at once ({why})"


def _obstacle_to_stacking(module: nn.Module, device: torch.device) -> str:
    for part in module.modules():
        name = type(part).__name__
        if isinstance(part, _STATEFUL):
            return f"{name} keeps state or mixes examples"
        if isinstance(part, nn.modules.dropout._DropoutNd) and not isinstance(
            part, _SUPPORTED_DROPOUT
        ):
            return f"{name} draws masks that would depend on the other models"
        if isinstance(part, CONVOLUTIONS) and device.type == "cpu":
            return f"{name}: stacked convolutions are slow on a CPU"
    return ""
