"""Update stacked weights by the gradients of all models of a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from torch import Tensor
from torch.optim import Optimizer

from privbench.engine.core.recipe import Recipe
from privbench.engine.speed.fused import steps_by, steps_of
from privbench.engine.speed.graphs import has_cuda_graphs
from privbench.engine.speed.recorded import Gradients


class StackedUpdate:
    """Steps of the optimizer on stacked weights (models, ...).

    ``separate`` says for each weight whether its gradient may arrive as one tensor per model.
    """

    def __init__(self, weights: Sequence[Tensor], separate: Sequence[bool], recipe: Recipe) -> None:
        self._separate = separate
        pairs = zip(weights, separate, strict=True)
        self._parts = [weight.unbind() if apart else (weight,) for weight, apart in pairs]
        params = list(chain(*self._parts))
        self.optimizer: Optimizer | None = None
        """The optimizer whose steps a CUDA graph captures, and whose state it restores."""
        if has_cuda_graphs(weights[0].device):
            self.optimizer = recipe.make_optimizer(params)
            self._step = steps_by(self.optimizer)
        else:
            self._step = steps_of(params, recipe)

    def __call__(self, gradients: Gradients) -> None:
        """Take one step; a weight whose gradient is None stays as it is."""
        of_parts: list[Tensor | None] = []
        for parts, apart, gradient in zip(self._parts, self._separate, gradients, strict=True):
            if isinstance(gradient, list):
                of_parts += gradient
            elif gradient is not None:
                of_parts += gradient.unbind() if apart else [gradient]
            else:
                of_parts += [None] * len(parts)
        self._step(of_parts)
