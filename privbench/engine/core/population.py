"""A population: N models of one architecture, with stacked weights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from privbench.engine.core.arrays import Array, as_tensor
from privbench.engine.core.randomness import seeded

Build: TypeAlias = Callable[[], nn.Module]
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Population:
    """N trained models: ``params`` and ``buffers`` map torch's names to tensors (models, ...)."""

    build: Build
    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    facts: dict[str, Tensor] = field(default_factory=dict)
    """What is known of each model's training, by name: tensors (models,). They are not in `state`."""

    @classmethod
    def of(cls, build: Build, modules: Sequence[nn.Module]) -> Population:
        """Return the population of modules that ``build`` returned."""
        params = [dict(module.named_parameters()) for module in modules]
        buffers = [dict(module.named_buffers()) for module in modules]
        return cls(build, stack(params), stack(buffers))

    @classmethod
    def from_state(cls, build: Build, state: Mapping[str, NDArray[np.generic]]) -> Population:
        """Return the population with this ``state``.

        Raises ValueError if the weights are not those of the module that ``build`` returns.
        """
        skeleton = build_seeded(build, 0)
        names = [name for name, _ in (*skeleton.named_parameters(), *skeleton.named_buffers())]
        if set(names) != set(state):
            raise ValueError(
                f"the stored weights are {sorted(state)}, but those of the module are {sorted(names)}"
            )
        params = {name: as_tensor(state[name]) for name, _ in skeleton.named_parameters()}
        buffers = {name: as_tensor(state[name]) for name, _ in skeleton.named_buffers()}
        for name, like in (*skeleton.named_parameters(), *skeleton.named_buffers()):
            if state[name].shape[1:] != tuple(like.shape):
                raise ValueError(
                    f"{name} is stored with shape {state[name].shape[1:]}, but that of the module has"
                    f" {tuple(like.shape)}"
                )
        return cls(build, params, buffers)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return all weights as arrays (models, ...), by torch's names."""
        weights = self.stacked_weights().items()
        return {name: stacked.detach().cpu().contiguous().numpy() for name, stacked in weights}

    def __len__(self) -> int:
        return len(next(iter(self.params.values())))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(iter(self.params.values())).device

    @cached_property
    def _skeleton(self) -> nn.Module:
        return build_seeded(self.build, 0).to(self.device).eval()

    def stacked_weights(self) -> dict[str, Tensor]:
        """Return parameters and buffers (models, ...) of all models, by torch's names."""
        return {**self.params, **self.buffers}

    def weights(self, i: int) -> dict[str, Tensor]:
        """Return views of the parameters and buffers of model ``i``, by torch's names."""
        return {name: stacked[i] for name, stacked in self.stacked_weights().items()}

    def take(self, models: range) -> Population:
        """Return a population of some models, with copies of their weights."""
        rows = slice(models.start, models.stop)
        params, buffers = (
            {name: stacked[rows].detach().clone() for name, stacked in part.items()}
            for part in (self.params, self.buffers)
        )
        return Population(self.build, params, buffers)

    def to(self, device: torch.device | str) -> Population:
        """Return the same models on ``device``; nothing is copied if they are there already."""
        params, buffers = (
            {name: stacked.to(device) for name, stacked in part.items()}
            for part in (self.params, self.buffers)
        )
        return Population(self.build, params, buffers)

    def repeated(self, count: int) -> Population:
        """Return a population with ``count`` copies of each model, one after another."""
        params, buffers = (
            {name: stacked.detach().repeat_interleave(count, 0) for name, stacked in part.items()}
            for part in (self.params, self.buffers)
        )
        return Population(self.build, params, buffers)

    def submodule(self, name: str, build: Build) -> Population:
        """Return the population of a submodule of each model, which ``build`` returns as well."""
        prefix = f"{name}."
        params, buffers = (
            {n.removeprefix(prefix): t for n, t in part.items() if n.startswith(prefix)}
            for part in (self.params, self.buffers)
        )
        return Population(build, params, buffers)

    def replacing(self, name: str, submodules: Population) -> Population:
        """Return a population in which the submodule of each model has the weights of ``submodules``."""
        params, buffers = (
            {**part, **{f"{name}.{n}": t.detach() for n, t in new.items()}}
            for part, new in (
                (self.params, submodules.params),
                (self.buffers, submodules.buffers),
            )
        )
        return Population(self.build, params, buffers)

    def module(self, i: int) -> nn.Module:
        """Return a module in eval mode with a copy of the weights of model ``i``."""
        module = build_seeded(self.build, 0).to(self.device)
        weights = self.weights(i)
        with torch.no_grad():
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                tensor.copy_(weights[name])
        return module.eval()

    def predict(self, x: Array, batch_size: int = 1024) -> NDArray[np.float32]:
        """Return logits (models, n, classes) of records (n, *shape), in eval mode.

        Models run one after another, because large batches gain nothing from stacking.
        """
        return np.stack([self.predict_one(i, x, batch_size) for i in range(len(self))])

    @torch.no_grad()
    def predict_one(self, i: int, x: Array, batch_size: int = 1024) -> NDArray[np.float32]:
        """Return logits (n, classes) of model ``i`` for records (n, *shape), in eval mode."""
        # Copies, since a module may write on its input and weights, and all models share the records.
        weights = {name: weight.clone() for name, weight in self.weights(i).items()}
        parts = [
            functional_call(self._skeleton, weights, (part.to(self.device, copy=True),))
            .float()
            .cpu()
            for part in torch.split(as_tensor(x), batch_size)
        ]
        return torch.cat(parts).numpy()


_BUILDING = threading.Lock()


def build_all(build: Build, seeds: Sequence[int], device: torch.device) -> list[nn.Module]:
    """Return freshly initialised modules in training mode.

    One thread builds at a time, because all threads share torch's default generator.
    """
    with _BUILDING:
        return [build_seeded(build, seed).train().to(device) for seed in seeds]


def build_seeded(build: Build, seed: int) -> nn.Module:
    """Return a module whose initial weights are determined by ``seed``.

    The state of torch's default generator is restored.
    """
    with seeded(seed, CPU):
        return build()


def stack(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the named tensors of several models as detached stacks {name: (models, ...)}."""
    return {name: torch.stack([each[name].detach() for each in weights]) for name in weights[0]}
