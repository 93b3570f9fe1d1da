"""Sums of clipped per-example gradients: each has at most a given L2 norm (Abadi et al. 2016).

With augmented copies of each example, its gradient is the average over its copies, and is clipped
afterwards (De et al. 2022, arXiv 2204.13650, section 3.2), so that copies cost no privacy.

The sums are exact. No gradient of a single example is computed where a layer allows that, see
``layers``. They are computed for all models of a chunk at once or, where stacking is slow (convolutions
on a CPU), for one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from privbench.engine.core.architecture import trainable
from privbench.engine.core.loss import Batch, Loss, cross_entropy, evaluate
from privbench.engine.core.loss_errors import explained
from privbench.engine.core.population import Population
from privbench.engine.private.layers import ExampleGradients, Stored
from privbench.engine.private.taps import Taps, find_layers

STABILITY = 1e-6
"""Added to norms before dividing by them, as Opacus does."""
_EPOCH = torch.zeros((), dtype=torch.int64)
"""The epoch that losses receive: always 0, since DP-SGD counts steps and not epochs."""


class ClippedSums:
    """Sums of clipped gradients of the loss, as a function of weights and a batch."""

    def __init__(
        self,
        module: nn.Module,
        population: Population,
        example: Batch,
        *,
        stacked: bool,
        loss: Loss = cross_entropy,
        copies: int | None = None,
    ) -> None:
        """Find the layers whose inputs and output gradients determine their per-example gradients.

        Args:
            module: One of the models.
            population: The models, whose first one is tried.
            example: A batch of one example, to try it with.
            stacked: Whether sums are computed for several models at once by ``vmap``.
            loss: The loss per example.
            copies: How many copies of each example there are; then records are (batch, copies, *shape).
        """
        self._module = module
        self._stacked = stacked
        self._loss = explained(loss)
        self._copies = copies
        self.names = trainable(module)
        weights = {name: tensor.detach() for name, tensor in population.weights(0).items()}
        trained = {name: weights[name] for name in self.names}
        example = replace(example, x=example.x.clone())  # a module may write on what it is given
        self.layers = find_layers(trained, lambda: self._losses(weights, example))
        tapped = {name for layer in self.layers for name in layer.names}
        self.untapped = [name for name in self.names if name not in tapped]
        """Parameters of no such layer: a gradient is computed for each example."""

    def __call__(
        self,
        weights: Mapping[str, Tensor],
        batch: Mapping[str, Tensor],
        clip_norm: float,
        scale: float = 1.0,
    ) -> list[Tensor]:
        """Return the sums (models, ...) times ``scale``, in the order of ``names``.

        Args:
            weights: Stacked parameters and buffers.
            batch: Records "x" (models, batch, *shape), or their copies (models, batch, copies, *shape);
                labels "y" (models, batch), "is_example" (models, batch), False for padding, and
                "random_inputs" (models, batch, k) if the loss has any.
            clip_norm: The largest norm of an example's gradient.
            scale: What the sums are multiplied by.
        """
        return self.with_clipping(weights, batch, clip_norm, scale)[:-1]

    def with_clipping(
        self,
        weights: Mapping[str, Tensor],
        batch: Mapping[str, Tensor],
        clip_norm: float,
        scale: float = 1.0,
    ) -> list[Tensor]:
        """Return the sums, and by what each example's gradient was multiplied (models, batch).

        That is at most one; a gradient was clipped where it is less.
        """
        trained = {name: weights[name].detach() for name in self.names}
        frozen = {name: t.detach() for name, t in weights.items() if name not in trained}
        examples = {name: tensor for name, tensor in batch.items() if name != "is_example"}
        is_example = batch["is_example"]

        def of_one_model(
            trained: dict[str, Tensor],
            frozen: dict[str, Tensor],
            examples: dict[str, Tensor],
            is_example: Tensor,
        ) -> list[Tensor]:
            return self._of_one_model(trained, frozen, examples, is_example * scale, clip_norm)

        with torch.no_grad():
            if self._stacked:
                stacked: list[Tensor] = vmap(of_one_model)(trained, frozen, examples, is_example)
                return stacked
            weights_and_examples = (trained, frozen, examples)
            first, others, batch_of_first = (
                {name: tensor[0] for name, tensor in part.items()} for part in weights_and_examples
            )
            sums = of_one_model(first, others, batch_of_first, is_example[0])
            return [total[None] for total in sums]

    def _of_one_model(
        self,
        trained: dict[str, Tensor],
        frozen: dict[str, Tensor],
        examples: dict[str, Tensor],
        factors: Tensor,
        clip_norm: float,
    ) -> list[Tensor]:
        """Return the sums of clipped gradients times factors (batch,), and what they were clipped by."""
        gradients: dict[str, ExampleGradients] = {}
        inputs, output_gradients = self._inputs_and_output_gradients(trained, frozen, examples)
        for layer, a, g in zip(self.layers, inputs, output_gradients, strict=True):
            of_layer = layer.gradients(a, g)
            if self._copies is not None:
                of_layer = {name: each.merged(self._copies) for name, each in of_layer.items()}
            gradients |= of_layer
        for name, each in self._untapped_gradients(trained, frozen, examples).items():
            gradients[name] = Stored(each)
        squares = torch.stack([each.squared_norms() for each in gradients.values()]).sum(0)
        clipping = (clip_norm / (squares.sqrt() + STABILITY)).clamp(max=1.0)  # (batch,)
        factors = clipping * factors
        return [*(gradients[name].weighted_sum(factors) for name in self.names), clipping]

    def _inputs_and_output_gradients(
        self, trained: dict[str, Tensor], frozen: dict[str, Tensor], examples: dict[str, Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return each layer's input, and the loss's gradient with respect to its output."""

        def loss(shifts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            with Taps(trained, self.layers, shifts) as taps:
                losses = self._losses({**trained, **frozen}, Batch(epoch=_EPOCH, **examples))
            return losses.sum(), tuple(taps.inputs)

        x = examples["x"]
        forwarded = len(x) * (self._copies or 1)
        shifts = tuple(x.new_zeros((forwarded, *layer.shape)) for layer in self.layers)
        output_gradients, inputs = grad(loss, has_aux=True)(shifts)
        return inputs, output_gradients

    def _untapped_gradients(
        self, trained: dict[str, Tensor], frozen: dict[str, Tensor], examples: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return each example's gradients (batch, ...) of the parameters of no tapped layer."""
        if not self.untapped:
            return {}

        def loss(untapped: dict[str, Tensor], example: dict[str, Tensor]) -> Tensor:
            weights = {**trained, **frozen, **untapped}
            batch_of_one = {name: tensor[None] for name, tensor in example.items()}
            return self._losses(weights, Batch(epoch=_EPOCH, **batch_of_one))[0]

        untapped = {name: trained[name] for name in self.untapped}
        gradients: dict[str, Tensor] = vmap(grad(loss), (None, 0))(untapped, examples)
        return gradients

    def _losses(self, weights: dict[str, Tensor], batch: Batch) -> Tensor:
        def forward(*inputs: Any) -> Any:
            return functional_call(self._module, weights, inputs)

        if self._copies is None:
            return evaluate(self._loss, forward, batch)
        tensors = {"x": batch.x.flatten(0, 1), "y": batch.y.repeat_interleave(self._copies)}
        if batch.random_inputs is not None:
            tensors["random_inputs"] = batch.random_inputs.repeat_interleave(self._copies, 0)
        losses = evaluate(self._loss, forward, replace(batch, **tensors))
        return losses.view(-1, self._copies).mean(1)
