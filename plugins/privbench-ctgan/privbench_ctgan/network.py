"""The denoising network of TabDDPM, for many models at once: an MLP that is told time and label.

Kotelnikov et al. 2022, arXiv 2209.15421, equation 5. All tensors have a leading axis of models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import silu

TIME_FEATURES = 64
Weights = dict[str, Tensor]
"""``w0`` (models, inputs, outputs) and ``b0`` (models, 1, outputs), and so on, by name."""


def layers_of(n_inputs: int, n_classes: int, hidden: Sequence[int]) -> dict[str, tuple[int, int]]:
    """Return the inputs and outputs of each linear layer, by name."""
    layers = {
        "time": (TIME_FEATURES, hidden[0]),
        "label": (n_classes, hidden[0]),
        "input": (n_inputs, hidden[0]),
    }
    widths = list(hidden)
    for place, pair in enumerate(zip(widths, [*widths[1:], n_inputs], strict=True)):
        layers[f"layer{place}"] = pair
    return layers


def initial(layers: Mapping[str, tuple[int, int]], random: Sequence[torch.Generator]) -> Weights:
    """Draw the weights of one model per generator: uniform, as those of torch's linear layers."""
    weights: Weights = {}
    for name, (n_in, n_out) in layers.items():
        bound = 1 / math.sqrt(n_in)
        w, b = (
            torch.stack([torch.rand(shape, generator=g) for g in random]) * 2 * bound - bound
            for shape in ((n_in, n_out), (1, n_out))
        )
        weights[f"{name}.w"], weights[f"{name}.b"] = w, b
    return weights


def forward(weights: Mapping[str, Tensor], x: Tensor, t: Tensor, label: Tensor) -> Tensor:
    """Return the outputs (models, n, inputs) of the network.

    Args:
        weights: those of all models.
        x: float32 (models, n, inputs), noisy records.
        t: int64 (models, n), timesteps.
        label: float32 (models, n, classes), one-hot.
    """
    told = _linear(weights, "time", _time_features(t)) + _linear(weights, "label", label)
    h = silu(_linear(weights, "input", x) + told)
    n_layers = sum(name.startswith("layer") and name.endswith(".w") for name in weights)
    for place in range(n_layers - 1):
        h = silu(_linear(weights, f"layer{place}", h))
    return _linear(weights, f"layer{n_layers - 1}", h)


def _linear(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return torch.baddbmm(weights[f"{name}.b"], x, weights[f"{name}.w"])


def _time_features(t: Tensor) -> Tensor:
    """Return sines and cosines of timesteps at many frequencies (Vaswani et al. 2017)."""
    half = TIME_FEATURES // 2
    frequencies = torch.exp(-math.log(10_000.0) * torch.arange(half) / half)
    angles = t[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)
