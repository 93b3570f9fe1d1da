"""The module of adversarial regularisation: a model and an attack. Imports torch: import it lazily."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class Adversarial(nn.Module):
    """A model, and an attack that maps its probabilities and a label to a logit of membership.

    The attack follows figure 3 of Nasr et al. 2018: one branch reads the probabilities, one the label,
    and a third network reads both. Each has one hidden layer, where theirs have two or three.
    """

    def __init__(self, model: nn.Module, classes: int, hidden: int) -> None:
        super().__init__()
        self.model = model
        self.attack = _Attack(classes, hidden)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the model's logits (batch, classes) and the attack's logits of membership (batch,)."""
        logits: Tensor = self.model(x)
        label = logits.new_zeros(logits.shape) if y is None else one_hot(y, logits.shape[-1])
        return logits, self.attack(logits.float().softmax(-1), label.float())


class _Attack(nn.Module):
    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        self.probabilities = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU())
        self.label = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU())
        self.both = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, p: Tensor, label: Tensor) -> Tensor:
        features = torch.cat([self.probabilities(p), self.label(label)], -1)
        membership: Tensor = self.both(features)[..., 0]
        return membership
