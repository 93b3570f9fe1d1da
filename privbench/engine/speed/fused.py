"""Steps of optimizers on a CPU, without the overhead of ``torch.optim.Optimizer``.

In each step, its method ``step`` sorts parameters by type and device, and looks for hooks, profilers and
state. For the weights of many small models this takes about as long as the arithmetic. Its first object
in a process imports torch's compiler, which takes longer than training a few small models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from privbench.engine.core.recipe import OptimizerName, Recipe


class FusedSteps:
    """Takes the steps of ``Recipe.make_optimizer``, from its first step on."""

    def __init__(self, params: Sequence[Tensor], recipe: Recipe) -> None:
        self._adam = recipe.optimizer != "sgd"
        self._update = _UPDATES[recipe.optimizer]
        self._settings: dict[str, Any] = {
            "lr": recipe.lr,
            "weight_decay": recipe.weight_decay,
            "maximize": False,
        }
        if self._adam:
            moments = 2
            self._settings |= {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False}
        else:
            moments = 1 if recipe.momentum else 0
            # The first step is like any other if buffers start at zero, because dampening is zero.
            self._settings |= {"momentum": recipe.momentum, "dampening": 0.0}
            self._settings |= {"nesterov": False, "is_first_step": False}
        self._state = [
            (
                parameter.detach(),
                *(torch.zeros_like(parameter, requires_grad=False) for _ in range(moments)),
                torch.zeros(()),  # steps so far
            )
            for parameter in params
        ]

    def __call__(self, gradients: Sequence[Tensor | None]) -> None:
        """Take one step by the gradient of each parameter; one whose gradient is None stays."""
        pairs = zip(self._state, gradients, strict=True)
        updated = [(*state, gradient) for state, gradient in pairs if gradient is not None]
        if not updated:
            return
        params, *moments, steps, present = map(list, zip(*updated, strict=True))
        with torch.no_grad():
            if self._adam:
                torch._foreach_add_(steps, 1)
                self._update(params, present, *moments, [], steps, **self._settings)
            else:
                self._update(params, present, *(moments or [[]]), **self._settings)


_UPDATES: dict[OptimizerName, Any] = {
    "sgd": torch._fused_sgd_,
    "adam": torch._fused_adam_,
    "adamw": torch._fused_adamw_,
}


def steps_of(params: Sequence[Tensor], recipe: Recipe) -> Callable[[Sequence[Tensor | None]], None]:
    """Return a function that takes a step of a recipe's optimizer by the gradient of each parameter.

    On a CPU it is a ``FusedSteps``.
    """
    if all(p.device.type == "cpu" for p in params):
        return FusedSteps(params, recipe)
    return steps_by(recipe.make_optimizer(params))


def steps_by(optimizer: Optimizer) -> Callable[[Sequence[Tensor | None]], None]:
    """Return a function that takes a step of an optimizer by the gradient of each parameter."""
    params: list[Tensor] = [p for group in optimizer.param_groups for p in group["params"]]

    def step(gradients: Sequence[Tensor | None]) -> None:
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step
