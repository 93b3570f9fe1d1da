"""Early stopping: each model keeps the weights of its best epoch on records it is not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from privbench.engine.core.arrays import Array, as_tensor


@dataclass(frozen=True)
class Validation:
    """Validation records ``x`` (n, *shape) with labels ``y`` (n,), and the patience.

    A model stops after ``patience`` epochs in a row without a lower validation loss. Later epochs of
    other models in its chunk do not change it. Raises ValueError if records and labels do not match or
    ``patience`` is below 1.
    """

    x: Array
    y: Array
    patience: int

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or not len(self.y):
            raise ValueError(
                f"validation: {len(self.x)} records and {len(self.y)} labels"
                " (there must be as many labels as records, and at least one)"
            )
        if self.patience < 1:
            raise ValueError(f"patience: {self.patience} is out of bounds (allowed: 1 and more)")


class BestWeights:
    """The best weights so far of some models, by mean cross-entropy on the validation records."""

    def __init__(self, validation: Validation, skeleton: nn.Module, device: torch.device) -> None:
        self._patience = validation.patience
        self._skeleton = skeleton.to(device).eval()
        self._x = as_tensor(validation.x).to(device)
        self._y = as_tensor(validation.y).to(device)
        self._kept: dict[str, Tensor] = {}
        self._loss = torch.empty(0)
        self._waited = torch.empty(0, dtype=torch.int64)

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor]) -> bool:
        """Compare with the stacked weights (models, ...) of an epoch.

        Returns:
            Whether all models have waited for as many epochs as their patience allows.
        """
        n_models = len(next(iter(weights.values())))
        loss = torch.stack(
            [self._loss_of({n: w[i] for n, w in weights.items()}) for i in range(n_models)]
        )
        if not self._kept:
            self._kept = {name: weight.detach().clone() for name, weight in weights.items()}
            self._loss, self._waited = loss, torch.zeros_like(loss, dtype=torch.int64)
            return False
        better = (loss < self._loss) & (self._waited < self._patience)
        for name, weight in weights.items():
            self._kept[name][better] = weight[better]
        self._loss = torch.where(better, loss, self._loss)
        self._waited = torch.where(better, 0, self._waited + 1)
        return bool((self._waited >= self._patience).all())

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Overwrite ``weights`` by the best ones."""
        for name, weight in weights.items():
            weight.copy_(self._kept[name])

    def _loss_of(self, weights: dict[str, Tensor]) -> Tensor:
        logits = functional_call(self._skeleton, weights, (self._x.clone(),))
        return cross_entropy(logits.float(), self._y)
