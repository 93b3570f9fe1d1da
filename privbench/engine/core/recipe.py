"""Recipes: optimizer, number of epochs and batch size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from privbench.engine.core.precision import Precision

OptimizerName = Literal["sgd", "adam", "adamw"]


@dataclass(frozen=True)
class Recipe:
    """Optimizer, number of epochs, batch size and precision of the training of each model.

    ``momentum`` is for sgd and must be 0 for the other optimizers. ``weight_decay`` is an L2 penalty
    (adamw: decoupled). The last batch of an epoch is used even if it is smaller than ``batch_size``.
    Raises ValueError naming the field that is out of bounds.
    """

    optimizer: OptimizerName
    lr: float
    momentum: float
    weight_decay: float
    epochs: int
    batch_size: int
    precision: Precision = "float32"
    """Precision of forward and backward passes; weights, losses and optimizer are float32."""

    def __post_init__(self) -> None:
        if self.optimizer not in get_args(OptimizerName):
            allowed = ", ".join(get_args(OptimizerName))
            raise ValueError(f"optimizer: {self.optimizer!r} is not allowed (allowed: {allowed})")
        if self.momentum and self.optimizer != "sgd":
            raise ValueError(f"momentum: must be 0 for {self.optimizer}, got {self.momentum}")
        bounds = {
            "lr": self.lr > 0,
            "momentum": 0 <= self.momentum < 1,
            "weight_decay": self.weight_decay >= 0,
            "epochs": self.epochs >= 1,
            "batch_size": self.batch_size >= 1,
        }
        for name, holds in bounds.items():
            if not holds:
                raise ValueError(f"{name}: {getattr(self, name)} is out of bounds")

    @property
    def copies(self) -> int:
        """The number of tensors of the parameters' size in training: weights, gradients, moments."""
        if self.optimizer == "sgd":
            return 3 if self.momentum else 2
        return 4

    def make_optimizer(self, params: Iterable[Tensor]) -> torch.optim.Optimizer:
        """Return an optimizer of ``params``.

        It acts elementwise, so that on stacked weights (models, ...) it updates each model as an
        optimizer of that model would.
        """
        params = list(params)
        shared: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        shared["fused"] = all(p.device.type in ("cpu", "cuda") for p in params)
        match self.optimizer:
            case "sgd":
                return torch.optim.SGD(params, momentum=self.momentum, **shared)
            case "adam":
                return torch.optim.Adam(params, **shared)
            case "adamw":
                return torch.optim.AdamW(params, **shared)
