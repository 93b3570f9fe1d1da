"""Sums of clipped gradients: each example's gradient has at most a given norm (Abadi et al. 2016).

Exact, and without a gradient per example where a layer allows it, see ``layers``. For all models of a
chunk at once; where stacking is slow, such as convolutions on a CPU, for one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from privbench.engine.batched import trainable
from privbench.engine.layers import Examples, Stored
from privbench.engine.loss import Batch, Loss, cross_entropy
from privbench.engine.population import Population
from privbench.engine.taps import Taps, find_layers

STABILITY = 1e-6
"""Added to norms before dividing by them, as Opacus does."""
_NO_EPOCH = torch.zeros((), dtype=torch.int64)
"""DP-SGD counts steps; a loss that changes with the epoch sees the first one throughout."""


class ClippedSums:
    """Of modules like ``module``, with the weights of ``population``; ``example`` is a batch of one."""

    def __init__(
        self,
        module: nn.Module,
        population: Population,
        example: Batch,
        *,
        stacked: bool,
        loss: Loss = cross_entropy,
    ) -> None:
        self._module = module
        self._stacked = stacked
        self._loss = loss
        self.names = trainable(module)
        both = {**population.params, **population.buffers}
        first = {name: weight[0].detach() for name, weight in both.items()}
        own = {name: first[name] for name in self.names}
        self.layers = find_layers(own, lambda: self._losses(first, example))
        tapped = {name for layer in self.layers for name in layer.names}
        self.others = [name for name in self.names if name not in tapped]
        """Parameters for which each example has a gradient of its own."""

    def __call__(
        self,
        weights: Mapping[str, Tensor],
        x: Tensor,
        y: Tensor,
        used: Tensor,
        norm: float,
        scale: float = 1.0,
        noise: Tensor | None = None,
    ) -> list[Tensor]:
        """The sums (models, ...) times ``scale``, in the order of ``names``.

        ``weights`` are stacked parameters and buffers, ``x`` (models, batch, *shape), ``y`` and
        ``used`` (models, batch): examples that are not used are padding. ``noise`` (models, batch, k)
        is the loss's.
        """
        own = {name: weights[name].detach() for name in self.names}
        frozen = {name: t.detach() for name, t in weights.items() if name not in own}

        examples = {"x": x, "y": y} | ({} if noise is None else {"noise": noise})

        def one(own: Any, frozen: Any, examples: Any, used: Any) -> list[Tensor]:
            return self._one(own, frozen, examples, used * scale, norm)

        with torch.no_grad():
            if self._stacked:
                found: list[Tensor] = vmap(one)(own, frozen, examples, used)
                return found
            first: Any = [{n: t[0] for n, t in part.items()} for part in (own, frozen, examples)]
            own, frozen, examples = first
            return [total[None] for total in one(own, frozen, examples, used[0])]

    def _one(
        self,
        own: dict[str, Tensor],
        frozen: dict[str, Tensor],
        batch: dict[str, Tensor],
        used: Tensor,
        norm: float,
    ) -> list[Tensor]:
        """The sums of one model; ``used`` (batch,) is each example's weight."""
        examples: dict[str, Examples] = {}
        entered, left = self._entered_and_left(own, frozen, batch)
        for layer, a, g in zip(self.layers, entered, left, strict=True):
            examples |= layer.examples(a, g)
        for name, each in self._each(own, frozen, batch).items():
            examples[name] = Stored(each)
        squares = torch.stack([one.squared_norms() for one in examples.values()]).sum(0)
        factor = (norm / (squares.sqrt() + STABILITY)).clamp(max=1.0) * used  # (batch,)
        return [examples[name].weighted(factor) for name in self.names]

    def _entered_and_left(
        self, own: dict[str, Tensor], frozen: dict[str, Tensor], batch: dict[str, Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What enters each layer, and the loss's gradient with respect to what leaves it."""

        def loss(shifts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            with Taps(own, self.layers, shifts) as taps:
                losses = self._losses({**own, **frozen}, Batch(epoch=_NO_EPOCH, **batch))
            return losses.sum(), tuple(taps.entered)

        x = batch["x"]
        shifts = tuple(x.new_zeros((len(x), *layer.shape)) for layer in self.layers)
        left, entered = grad(loss, has_aux=True)(shifts)
        return entered, left

    def _each(
        self, own: dict[str, Tensor], frozen: dict[str, Tensor], batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Each example's gradients (batch, ...) of the parameters that no layer answers for."""
        if not self.others:
            return {}

        def loss(others: dict[str, Tensor], example: dict[str, Tensor]) -> Tensor:
            weights = {**own, **frozen, **others}
            alone = {name: tensor[None] for name, tensor in example.items()}
            return self._losses(weights, Batch(epoch=_NO_EPOCH, **alone))[0]

        others = {name: own[name] for name in self.others}
        found: dict[str, Tensor] = vmap(grad(loss), (None, 0))(others, batch)
        return found

    def _losses(self, weights: dict[str, Tensor], batch: Batch) -> Tensor:
        def forward(*args: Any) -> Any:
            return functional_call(self._module, weights, args)

        return self._loss(forward, batch)
