"""The precision of training: float32, TF32 products, or bfloat16 forward and backward passes.

Weights, optimizer and losses are float32 in all of them. ``bf16`` casts weights and records explicitly
and not by ``torch.autocast``, which under ``vmap`` silently leaves convolutions on a CPU in float32,
adds the bias of a linear layer in float32 (PyTorch issue 192617), and passes two types at once to
custom backward passes. With it, stacked models would differ from models trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_map

Forward = Callable[..., Any]

Precision = Literal["float32", "tf32", "bf16"]


def check_precision(precision: str, device: torch.device) -> None:
    """Raise ValueError if the precision is unknown, or ``device`` does not support it."""
    if precision not in get_args(Precision):
        allowed = ", ".join(get_args(Precision))
        raise ValueError(f"precision: {precision!r} is not allowed (allowed: {allowed})")
    if precision == "tf32" and device.type != "cuda":
        raise ValueError(
            f"precision: tf32 needs a CUDA device, not {device.type} (allowed there: float32, bf16)"
        )


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Set whether CUDA may round products to TF32, for the forward and backward passes inside.

    On CUDA, ``float32`` means float32, whereas torch by default lets convolutions use TF32. The settings
    are those of the process and not of the thread; they are restored on leaving. For ``bf16`` see
    ``forward_of``. Raises ValueError as ``check_precision`` does.
    """
    check_precision(precision, device)
    if device.type != "cuda":
        yield
        return
    before, rounded = _tf32(), precision == "tf32"
    setting = ("tf32" if rounded else "ieee") if NEW else rounded
    _set_tf32(setting, setting)
    try:
        yield
    finally:
        _set_tf32(*before)


def forward_of(module: nn.Module, weights: Mapping[str, Tensor], precision: Precision) -> Forward:
    """Return the forward pass of ``module`` with ``weights``, its parameters and buffers by name.

    For ``bf16``, floating-point inputs and parameters are cast to bfloat16, and outputs back to float32,
    so that gradients are float32. Buffers are not cast, nor are the parameters of BatchNorm and similar
    layers, whose running statistics are float32.
    """
    weights = dict(weights)

    def plain(*inputs: Any, **named: Any) -> Any:
        return functional_call(module, weights, inputs, named)

    def lowered(*inputs: Any, **named: Any) -> Any:
        low = {name: _to(weights[name], torch.bfloat16) for name in casts}
        inputs, named = tree_map(lambda x: _to(x, torch.bfloat16), (inputs, named))
        outputs = functional_call(module, {**weights, **low}, inputs, named)
        return tree_map(lambda y: _to(y, torch.float32), outputs)

    if precision != "bf16":
        return plain
    casts = _cast_parameters(module)
    return lowered


def _cast_parameters(module: nn.Module) -> list[str]:
    """Return the names of the parameters that are cast."""
    return [
        f"{prefix}.{name}" if prefix else name
        for prefix, part in module.named_modules()
        if not isinstance(part, nn.modules.batchnorm._NormBase)
        for name, _ in part.named_parameters(recurse=False)
    ]


def _to(value: Any, dtype: torch.dtype) -> Any:
    floating = isinstance(value, Tensor) and value.is_floating_point()
    return value.to(dtype) if floating else value


NEW = hasattr(torch.backends.cuda.matmul, "fp32_precision")
"""Whether torch has the settings that replace allow_tf32 (since 2.9); the two must not be mixed."""


def _tf32() -> tuple[Any, Any]:
    """Return the settings of matrix products and of convolutions."""
    products, convolutions = _backends()
    if NEW:
        return products.fp32_precision, convolutions.conv.fp32_precision
    return products.allow_tf32, convolutions.allow_tf32


def _set_tf32(for_products: Any, for_convolutions: Any) -> None:
    products, convolutions = _backends()
    if NEW:
        products.fp32_precision = for_products
        convolutions.conv.fp32_precision = for_convolutions
    else:
        products.allow_tf32 = for_products
        convolutions.allow_tf32 = for_convolutions


def _backends() -> tuple[Any, Any]:
    return torch.backends.cuda.matmul, torch.backends.cudnn
