"""A model and an attack on it as one module. Imports torch: import it lazily."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class Adversarial(nn.Module):
    """``model``, and ``attack``: from its answer and a record's label to a logit of membership.

    The attack has the form of Nasr et al. 2018, figure 3: a layer for the answer, one for the label, one
    for both; ours has one hidden layer where theirs has two or three.
    """

    def __init__(self, model: nn.Module, classes: int, hidden: int) -> None:
        super().__init__()
        self.model = model
        self.attack = _Attack(classes, hidden)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (batch, classes) of records (batch, *shape), logits of membership (batch,)."""
        logits: Tensor = self.model(x)
        label = logits.new_zeros(logits.shape) if y is None else one_hot(y, logits.shape[-1])
        return logits, self.attack(logits.float().softmax(-1), label.float())


class _Attack(nn.Module):
    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        self.answer = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU())
        self.label = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU())
        self.both = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, p: Tensor, label: Tensor) -> Tensor:
        both = torch.cat([self.answer(p), self.label(label)], -1)
        inside: Tensor = self.both(both)[..., 0]
        return inside
