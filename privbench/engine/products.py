"""Matrix products of recorded steps, by the faster of two libraries.

torch multiplies float32 matrices with MKL, which on processors of other makers than Intel leaves
AVX-512 unused. oneDNN, which torch brings along as well, uses it wherever it is: where a processor's
units are 512 bits wide (AMD's Zen 5, but for laptops) it multiplies large matrices at twice the speed.
Where they are half as wide (Zen 4) it is faster by a fifth with large matrices, and slower with those
of a batch (`bench/population.py` prints both peaks). It multiplies two matrices at a time, so products
below ``WORTH`` operations stay with torch, which takes those of all models in one call.
"""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

ZEN_5 = 26
"""The family of AMD's processors of which all but those of laptops compute with AVX-512 in full width.

No bit of CPUID tells the two apart; a laptop loses a little speed.
"""

WORTH = 3e6
"""Floating point operations of one model's product from which a call of its own is worth it."""


def use_faster_products(recorded: fx.GraphModule) -> None:
    """Let oneDNN compute the large products of a recorded step, if it is the faster one here."""
    if onednn_is_faster():
        for node in recorded.graph.nodes:
            _replace(node)
        recorded.recompile()


def _replace(node: fx.Node) -> None:
    plain, biased = torch.ops.aten.bmm.default, torch.ops.aten.baddbmm.default
    if node.op != "call_function" or node.target not in (plain, biased) or node.kwargs:
        return
    left, right = (operand.meta["tensor_meta"] for operand in node.args[-2:])  # type: ignore[union-attr]
    if left.dtype != torch.float32 or 2 * left.shape[1:].numel() * right.shape[-1] < WORTH:
        return
    if node.target is biased:
        _replace_biased(node)
    else:
        result = all(user.op == "output" for user in node.users)
        node.target = separate_products if result else products


def _replace_biased(node: fx.Node) -> None:
    bias: Any = node.args[0]
    shape = bias.meta["tensor_meta"].shape
    if len(shape) != 3 or shape[1] != 1:  # not one of the columns, as that of a layer is
        return
    node.target = layers
    user = next(iter(node.users))
    if len(node.users) == 1 and user.target is torch.ops.aten.relu.default:
        node.args = (*node.args, "relu")
        user.replace_all_uses_with(node)
        node.graph.erase_node(user)


def separate_results(recorded: fx.GraphModule) -> list[bool]:
    """Which results of the step are one matrix of each model."""
    results = next(iter(reversed(recorded.graph.nodes))).args[0]
    return [isinstance(r, fx.Node) and r.target is separate_products for r in results]


def separate_products(left: Tensor, right: Tensor) -> list[Tensor]:
    """(models, n, k) times (models, k, m): a matrix (n, m) a model.

    For what the step returns: stacking the gradients of large layers takes a tenth of a step.
    """
    multiply = torch.ops.mkldnn._linear_pointwise.default
    pairs = zip(left.unbind(), right.mT.unbind(), strict=True)
    return [multiply(a, b, None, "none", [], "") for a, b in pairs]


def products(left: Tensor, right: Tensor) -> Tensor:
    """As ``torch.bmm``: (models, n, k) times (models, k, m)."""
    return torch.stack(separate_products(left, right))


def layers(bias: Tensor, left: Tensor, right: Tensor, then: str = "none") -> Tensor:
    """As ``torch.baddbmm`` with a ``bias`` (models, 1, m), and then "none" or "relu", in one pass."""
    multiply = torch.ops.mkldnn._linear_pointwise.default
    each = zip(left.unbind(), right.mT.unbind(), bias[:, 0].unbind(), strict=True)
    return torch.stack([multiply(a, b, c, then, [], "") for a, b, c in each])


@cache
def onednn_is_faster() -> bool:
    """Whether this is a processor with AVX-512 in full width on which MKL does not use it.

    Told by the processor and not by a stopwatch, so that the same machine gives the same numbers.
    """
    libraries = torch.backends.mkl, torch.backends.mkldnn
    both = all(library.is_available() for library in libraries)
    wide = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    usable = both and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return usable and wide and _family_of_amd() >= ZEN_5


def _family_of_amd() -> int:
    """The family of an AMD processor; 0 of any other."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = platform.processor()  # on Windows: AMD64 Family 26 Model 68 Stepping 0, AuthenticAMD
    family = re.search(r"family\s*:?\s*(\d+)", text, re.IGNORECASE)
    return int(family[1]) if family and "AuthenticAMD" in text else 0
