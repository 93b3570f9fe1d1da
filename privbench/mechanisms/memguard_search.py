"""MemGuard's classifier of members, and its search for answers that leave it undecided."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

STEP = 0.1
"""Length of a step in the space of logits (beta in algorithm 1)."""
LABEL_WEIGHT = 10.0
"""Of the label's constraint (c2)."""
SIZE_WEIGHTS = (0.1, 1.0, 10.0, 100.0)
"""Of the change's size (c3): each is tried where the one before it found a change."""
FLOOR = 1e-12
"""Probabilities are read as at least this."""


class MemberClassifier(nn.Module):
    """From answers (n, classes) to logits (n, 2) of not being and being a member."""

    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(classes, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2),
        )  # fmt: skip

    def forward(self, probabilities: Tensor) -> Tensor:
        """By the probabilities, the largest first.

        Not by their logarithms: a change of the smallest ones would turn its decision, and no other
        attack would notice.
        """
        ranked = probabilities.sort(dim=-1, descending=True).values
        logits: Tensor = self.layers(ranked)
        return logits


def undecided(
    classifier: nn.Module, probabilities: NDArray[np.float64], steps: int
) -> NDArray[np.float64]:
    """The answers (n, classes) with the smallest change found that turns the classifier's decision.

    The predicted label stays. An answer for which no change is found, or none that leaves the classifier
    less sure, stays as it is (section 4.3).
    """
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    p = torch.tensor(probabilities, dtype=torch.float32)
    label = torch.tensor(probabilities.argmax(1))  # of float64, where float32 may tie
    found, open_ = p.clone(), torch.arange(len(p))
    for weight in SIZE_WEIGHTS:
        turned, changed = _search(classifier, p[open_], label[open_], weight, steps)
        found[open_[turned]] = changed[turned]
        open_ = open_[turned]
    answers: NDArray[np.float64] = found.double().numpy()
    answers /= answers.sum(1, keepdims=True)
    with torch.no_grad():
        less_sure = _score(classifier, found).abs() < _score(classifier, p).abs()
    stays = ((found == p).all(1) | ~less_sure).numpy()
    return np.where(stays[:, None], probabilities, answers)


def _search(
    classifier: nn.Module, p: Tensor, label: Tensor, weight: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Which answers have found a change (n,), and the changed answers (n, classes)."""
    z = p.clamp_min(FLOOR).log()
    before = _score(classifier, p)
    others = ~one_hot(label, p.shape[1]).bool()
    turned, changed = torch.zeros(len(p), dtype=torch.bool), p.clone()
    running = torch.arange(len(p))
    e = torch.zeros_like(p)
    for _ in range(steps):
        if not len(running):
            break
        own = e[running].requires_grad_()
        logits, kept = z[running] + own, label[running]
        q = logits.softmax(1)
        rival = logits.masked_fill(~others[running], -torch.inf).amax(1)
        excess = (rival - logits.gather(1, kept[:, None])[:, 0]).clamp_min(0)
        size = (q - p[running]).abs().sum(1)
        loss = _score(classifier, q).abs() + LABEL_WEIGHT * excess + weight * size
        (gradient,) = torch.autograd.grad(loss.sum(), own)
        length = gradient.norm(dim=1, keepdim=True).clamp_min(1e-12)
        e[running] = (own - STEP * gradient / length).detach()
        q = (z[running] + e[running]).softmax(1)
        done = (_score(classifier, q) * before[running] <= 0) & (q.argmax(1) == kept)
        changed[running[done]], turned[running[done]] = q[done], True
        running = running[~done]
    return turned, changed


def _score(classifier: nn.Module, p: Tensor) -> Tensor:
    """The logit of membership (n,): zero where the classifier is undecided."""
    logits: Tensor = classifier(p)
    return logits[:, 1] - logits[:, 0]
