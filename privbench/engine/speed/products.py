"""Matrix products of recorded steps, by the faster of two libraries.

torch multiplies float32 matrices with MKL, which uses AVX-512 on Intel's processors only. oneDNN, which
comes with torch, uses it on all. On processors with units of 512 bits (AMD's Zen 5, except in laptops)
it multiplies large matrices twice as fast. With units half as wide (Zen 4) it is 20% faster for large
matrices, and slower for those of a batch (`bench/population.py` prints both peaks). oneDNN multiplies
two matrices per call, so products below ``MIN_FLOPS`` stay with torch, which multiplies those of all
models in one call.
"""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from privbench.engine.speed.tracing import facts_of

ZEN_5 = 26
"""The family of AMD's processors that have AVX-512 units of 512 bits, except those of laptops.

No bit of CPUID tells the two apart, so a laptop loses a little speed.
"""

MIN_FLOPS = 3e6
"""Floating point operations of one model's product from which oneDNN is faster."""


def use_faster_products(recorded: fx.GraphModule) -> None:
    """Let oneDNN compute the large products of a recorded step, if it is faster on this machine."""
    if onednn_is_faster():
        for node in recorded.graph.nodes:
            _replace(node)
        recorded.recompile()


def _replace(node: fx.Node) -> None:
    plain, biased = torch.ops.aten.bmm.default, torch.ops.aten.baddbmm.default
    if node.op != "call_function" or node.target not in (plain, biased) or node.kwargs:
        return
    left, right = map(facts_of, node.args[-2:])
    if left.dtype != torch.float32 or 2 * left.shape[1:].numel() * right.shape[-1] < MIN_FLOPS:
        return
    if node.target is biased:
        _replace_biased(node)
    else:
        result = all(user.op == "output" for user in node.users)
        node.target = separate_products if result else products


def _replace_biased(node: fx.Node) -> None:
    bias: Any = node.args[0]
    shape = facts_of(bias).shape
    if len(shape) != 3 or shape[1] != 1:  # a layer's bias is one row per model
        return
    node.target = layers
    user = next(iter(node.users))
    if len(node.users) == 1 and user.target is torch.ops.aten.relu.default:
        node.args = (*node.args, "relu")
        user.replace_all_uses_with(node)
        node.graph.erase_node(user)


def separate_results(recorded: fx.GraphModule) -> list[bool]:
    """Return for each result of a recorded step whether it is a list of one matrix per model."""
    results = next(iter(reversed(recorded.graph.nodes))).args[0]
    return [isinstance(r, fx.Node) and r.target is separate_products for r in results]


def separate_products(left: Tensor, right: Tensor) -> list[Tensor]:
    """Multiply (models, n, k) by (models, k, m); return a matrix (n, m) per model.

    It computes results of the step, because stacking the gradients of large layers takes 10% of a step.
    """
    multiply = torch.ops.mkldnn._linear_pointwise.default
    pairs = zip(left.unbind(), right.mT.unbind(), strict=True)
    return [multiply(a, b, None, "none", [], "") for a, b in pairs]


def products(left: Tensor, right: Tensor) -> Tensor:
    """Multiply (models, n, k) by (models, k, m), as ``torch.bmm`` does."""
    return torch.stack(separate_products(left, right))


def layers(bias: Tensor, left: Tensor, right: Tensor, then: str = "none") -> Tensor:
    """Return ``torch.baddbmm`` with a ``bias`` (models, 1, m), followed by "none" or "relu"."""
    multiply = torch.ops.mkldnn._linear_pointwise.default
    each = zip(left.unbind(), right.mT.unbind(), bias[:, 0].unbind(), strict=True)
    return torch.stack([multiply(a, b, c, then, [], "") for a, b, c in each])


@cache
def onednn_is_faster() -> bool:
    """Return whether this processor has full-width AVX-512 that MKL does not use.

    It is decided by the processor's family and not by a measurement, so that the same machine always
    gives the same numbers.
    """
    libraries = torch.backends.mkl, torch.backends.mkldnn
    both = all(library.is_available() for library in libraries)
    wide = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    usable = both and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return usable and wide and _family_of_amd() >= ZEN_5


def _family_of_amd() -> int:
    """Return the family of an AMD processor; 0 for any other."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = platform.processor()  # on Windows: AMD64 Family 26 Model 68 Stepping 0, AuthenticAMD
    family = re.search(r"family\s*:?\s*(\d+)", text, re.IGNORECASE)
    return int(family[1]) if family and "AuthenticAMD" in text else 0
