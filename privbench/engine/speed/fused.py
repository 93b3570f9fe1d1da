"""Steps of torch's fused optimizers on a CPU, without the overhead of ``Optimizer.step``.

In each step, that method sorts its parameters by type and device, and looks for hooks, profilers and
state. For the weights of many small models this takes about as long as the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer


class FusedSteps:
    """Takes the steps of an optimizer of ``Recipe.make_optimizer``, from its first step on.

    ``optimizer`` gives the parameters and settings; its own state and ``grad`` of weights are not used.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        (group,) = optimizer.param_groups
        params: list[Tensor] = group["params"]
        self._adam = isinstance(optimizer, Adam)  # AdamW is one, too
        self._update = _UPDATES[type(optimizer)]
        self._settings: dict[str, Any] = {
            "lr": group["lr"],
            "weight_decay": group["weight_decay"],
            "maximize": False,
        }
        moments = 2
        if self._adam:
            beta1, beta2 = group["betas"]
            self._settings |= {"beta1": beta1, "beta2": beta2, "eps": group["eps"]}
            self._settings["amsgrad"] = False
        else:
            moments = 1 if group["momentum"] else 0
            # The first step is like any other if buffers start at zero, because dampening is zero.
            self._settings |= {"momentum": group["momentum"], "dampening": 0.0}
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


_UPDATES: dict[type[Optimizer], Any] = {
    SGD: torch._fused_sgd_,
    Adam: torch._fused_adam_,
    AdamW: torch._fused_adamw_,
}


def steps_of(
    optimizer: Optimizer, *, fused: bool = True
) -> Callable[[Sequence[Tensor | None]], None]:
    """Return a function that takes a step of ``optimizer`` by the gradient of each parameter.

    On a CPU it is a ``FusedSteps``, unless ``fused`` is False because a CUDA graph captures the steps of
    the optimizer and restores its state.
    """
    params: list[Tensor] = [p for group in optimizer.param_groups for p in group["params"]]
    if fused and all(p.device.type == "cpu" for p in params):
        return FusedSteps(optimizer)

    def step(gradients: Sequence[Tensor | None]) -> None:
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step
