"""Linear layers of stacked models, as three batched matrix products.

Under ``vmap``, torch decomposes ``F.linear`` in ways that copy the weights' gradients. Here the stacked
layer is one ``baddbmm`` in the forward pass, and two ``bmm`` in the backward pass, whose results have
the memory layout of the weights. No gradient is computed for the input of a network's first layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class StackedLinear(torch.autograd.Function):
    """``x`` (models, batch, in) times ``weight`` (models, out, in), plus ``bias`` (models, out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.baddbmm(bias[:, None], x, weight.mT)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        of_x = torch.bmm(gradient, weight) if ctx.needs_input_grad[0] else None
        return of_x, torch.bmm(gradient.mT, x), gradient.sum(1)


class _Bridge(torch.autograd.Function):
    """``F.linear`` of one model, which ``vmap`` turns into ``StackedLinear``."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.linear(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return gradient @ weight, gradient.mT @ x, gradient.sum(0)

    @staticmethod
    def vmap(
        info: Any, in_dims: Any, x: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, int]:
        tensors = [
            t.movedim(d, 0) if d is not None else t.expand(info.batch_size, *t.shape)
            for t, d in zip((x, weight, bias), in_dims, strict=True)
        ]
        # Types of torch do not cover ``apply`` of a Function, here and below.
        return StackedLinear.apply(*tensors), 0  # type: ignore[no-untyped-call]


class _FastLinear(nn.Linear):
    """A linear layer that is fast when models are stacked."""

    def forward(self, input: Tensor) -> Tensor:
        if self.bias is None or input.ndim != 2:
            return super().forward(input)
        output: Tensor = _Bridge.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return output


def speed_up(module: nn.Module) -> nn.Module:
    """Replace the linear layers of a module by ones that are fast under ``vmap``, in place."""
    for part in module.modules():
        if type(part) is nn.Linear:
            part.__class__ = _FastLinear
    return module
