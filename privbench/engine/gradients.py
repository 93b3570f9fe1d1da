"""Per-example gradients of one model, for white-box attacks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from privbench.engine.arrays import Array, as_tensor
from privbench.engine.loss import cross_entropy

BYTES = 2**28
"""Of per-example gradients that are held at a time."""


def gradient_norms(module: nn.Module, x: Array, y: Array) -> NDArray[np.float32]:
    """L2 norm (n,) of the gradient of each record's cross-entropy, over all parameters.

    ``module`` maps records (n, *shape) to logits, in eval mode; ``y`` int64 (n,).
    """
    params = {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}
    frozen = dict(module.named_buffers())
    device = next(iter(params.values())).device
    norm = vmap(lambda a, b: _norm(module, params, frozen, a, b), in_dims=(0, 0))
    size = max(1, BYTES // sum(4 * p.numel() for p in params.values()))
    records, labels = torch.split(as_tensor(x), size), torch.split(as_tensor(y), size)
    parts = [norm(a.to(device), b.to(device)) for a, b in zip(records, labels, strict=True)]
    return torch.cat(parts).cpu().numpy()


def _norm(
    module: nn.Module, params: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor
) -> Tensor:
    def loss(weights: dict[str, Tensor]) -> Tensor:
        def forward(records: Tensor) -> Tensor:
            logits: Tensor = functional_call(module, {**weights, **frozen}, (records,))
            return logits

        return cross_entropy(forward, x[None], y[None], None).sum()

    gradients = grad(loss)(params)
    return torch.stack([g.square().sum() for g in gradients.values()]).sum().sqrt()
