"""Random draws of each model, which depend on its own seed alone.

Batches, random inputs and dropout masks come from NumPy generators, so that they are the same on every
device, and for models trained at once or one after another. Initial weights come from torch's default
generator, which is seeded for each model and restored afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from privbench.engine.core.loss import RandomInputs


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's default generators of the CPU and ``device``; restore them on leaving."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


class Draws:
    """The generators of some models, one per model and purpose."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._orders = [np.random.default_rng([seed, 0]) for seed in seeds]
        self._random_inputs = [np.random.default_rng([seed, 1]) for seed in seeds]
        self._masks = [np.random.default_rng([seed, 2]) for seed in seeds]
        self._augmentation = [np.random.default_rng([seed, 4]) for seed in seeds]
        self._others = [np.random.default_rng([seed, 5]) for seed in seeds]

    def orders(self, m: int) -> Tensor:
        """Draw the order of each model's records in one epoch: int64 (models, m)."""
        return torch.from_numpy(np.stack([rng.permutation(m) for rng in self._orders]))

    def random_inputs(self, draw: RandomInputs, m: int) -> Tensor:
        """Draw the random inputs of one epoch: float32 (models, m, k)."""
        return torch.from_numpy(np.stack([draw(rng, m) for rng in self._random_inputs]))

    def augmentation(self, m: int, count: int) -> Tensor:
        """Draw uniform numbers in [0, 1) for one epoch: float32 (models, m, count)."""
        drawn = [rng.random((m, count), dtype=np.float32) for rng in self._augmentation]
        return torch.from_numpy(np.stack(drawn))

    def others(self, n: int, m: int) -> Tensor:
        """Draw which of ``n`` other records come with each example of an epoch: int64 (models, m).

        None comes again before all of them have come.
        """
        rounds = -(-m // n)
        drawn = [
            np.concatenate([r.permutation(n) for _ in range(rounds)])[:m] for r in self._others
        ]
        return torch.from_numpy(np.stack(drawn))

    def uniform(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """Draw uniform numbers in [0, 1) for one call of dropout: float32 (models, *shape)."""
        out = np.empty((len(self._masks), *shape), np.float32)
        for rng, part in zip(self._masks, out, strict=True):
            rng.random(dtype=np.float32, out=part)
        return out


class ModelDropout(TorchFunctionMode):
    """Makes ``F.dropout`` draw each model's mask from that model's generator, also under vmap."""

    def __init__(self, draws: Draws) -> None:
        super().__init__()
        self._draws = draws
        self.was_used = False
        """Whether dropout has been applied so far."""

    def scope(self, step: int) -> AbstractContextManager[object]:
        """Return the context for a step of an epoch.

        To watch every operation slows small models by a fifth. So the first step of each epoch is
        watched, and the others only if it used dropout.
        """
        return self if step == 0 or self.was_used else nullcontext()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.dropout:
            return self._dropout(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _dropout(
        self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if not training or p == 0:
            return input
        self.was_used = True
        # Types of torch do not cover ``apply`` of a Function.
        uniform: Tensor = _Uniform.apply(input.detach(), self._draws)  # type: ignore[no-untyped-call]
        return input * (uniform >= p) / (1 - p)


class _Uniform(torch.autograd.Function):
    """Draws uniform numbers of the shape of ``like`` from each model's generator."""

    @staticmethod
    def forward(like: Tensor, draws: Draws) -> Tensor:
        return torch.from_numpy(draws.uniform(like.shape)[0]).to(like.device)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def vmap(info: Any, in_dims: Any, like: Tensor, draws: Draws) -> tuple[Tensor, int]:
        shape = list(like.shape)
        if in_dims[0] is not None:
            del shape[in_dims[0]]
        return torch.from_numpy(draws.uniform(shape)).to(like.device), 0
