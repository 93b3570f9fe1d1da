"""Norms of the per-example gradients of one model, for white-box attacks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import softplus

from privbench.engine.core.arrays import Array, as_tensor

BYTES = 2**24
"""Bytes of per-example gradients computed at a time; in the cache it is four times as fast."""


def gradient_norms(module: nn.Module, x: Array, y: Array) -> NDArray[np.float32]:
    """Return the L2 norm of the gradient of each record's cross-entropy, over all parameters.

    Args:
        module: Maps records (n, *shape) to logits; in eval mode.
        x: Records (n, *shape).
        y: Labels, int64 (n,).

    Returns:
        The norms (n,).
    """
    params = {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}
    frozen = dict(module.named_buffers())
    device = next(iter(params.values())).device
    norm = vmap(lambda a, b: _norm(module, params, frozen, a, b), in_dims=(0, 0))
    size = max(1, BYTES // sum(4 * p.numel() for p in params.values()))
    records, labels = torch.split(as_tensor(x), size), torch.split(as_tensor(y), size)
    parts = [
        norm(a.to(device, copy=True), b.to(device)) for a, b in zip(records, labels, strict=True)
    ]
    return torch.cat(parts).cpu().numpy()


def _norm(
    module: nn.Module, params: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor
) -> Tensor:
    def loss(weights: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(module, {**weights, **frozen}, (x[None],))[0]
        label, others = logits.gather(0, y[None])[0], logits.scatter(0, y[None], -torch.inf)
        # -log p_y, in a form whose gradient is exact even if p_y rounds to one.
        return softplus(others.logsumexp(0) - label)

    gradients = grad(loss)(params).values()
    largest = torch.stack([g.abs().max() for g in gradients]).max()
    unit = torch.where(
        largest > 0, largest, 1.0
    )  # the squares of small numbers underflow in float32
    return unit * torch.stack([(g / unit).square().sum() for g in gradients]).sum().sqrt()
