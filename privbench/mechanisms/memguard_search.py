"""MemGuard's classifier of members, and the search for perturbations that leave it undecided.

Jia et al. 2019, arXiv 1909.10594, sections 4.1 and 4.2. Imports torch: import it lazily.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

STEP_LENGTH = 0.1
"""Length of a step in the space of logits (beta in algorithm 1)."""
LABEL_WEIGHT = 10.0
"""Weight of the constraint that the predicted label stays (c2)."""
SIZE_WEIGHTS = (0.1, 1.0, 10.0, 100.0)
"""Weights of the size of the perturbation (c3), tried in this order as long as one is found."""
PROBABILITY_FLOOR = 1e-12
"""Floor that avoids log(0)."""


class MemberClassifier(nn.Module):
    """Maps outputs (n, classes) to logits (n, 2) of non-member and member."""

    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(classes, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2),
        )  # fmt: skip

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return the logits for probabilities, which are sorted first.

        It does not read log-probabilities: then perturbations of the smallest probabilities would
        mislead this classifier and no other attack.
        """
        ranked = probabilities.sort(dim=-1, descending=True).values
        logits: Tensor = self.layers(ranked)
        return logits


def perturb(
    classifier: nn.Module, probabilities: NDArray[np.float64], steps: int
) -> NDArray[np.float64]:
    """Return outputs (n, classes) with small perturbations that turn the classifier's decision.

    The predicted label stays. An output keeps its value if no such perturbation is found, or none that
    leaves the classifier less certain (section 4.3).
    """
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    p = torch.tensor(probabilities, dtype=torch.float32)
    label = torch.tensor(probabilities.argmax(1))  # of float64: float32 may have ties
    best, active = p.clone(), torch.arange(len(p))
    for weight in SIZE_WEIGHTS:
        is_found, perturbed = _search(classifier, p[active], label[active], weight, steps)
        best[active[is_found]] = perturbed[is_found]
        active = active[is_found]
    outputs: NDArray[np.float64] = best.double().numpy()
    outputs /= outputs.sum(1, keepdims=True)
    with torch.no_grad():
        less_certain = _score(classifier, best).abs() < _score(classifier, p).abs()
    is_kept = ((best == p).all(1) | ~less_certain).numpy()
    return np.where(is_kept[:, None], probabilities, outputs)


def _search(
    classifier: nn.Module, p: Tensor, label: Tensor, weight: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Search by normalised gradient descent on logits, with one weight of the size.

    Returns:
        Whether a perturbation was found for each output (n,), and the perturbed outputs (n, classes).
    """
    z = p.clamp_min(PROBABILITY_FLOOR).log()
    score_before = _score(classifier, p)
    other_classes = ~one_hot(label, p.shape[1]).bool()
    is_found, perturbed = torch.zeros(len(p), dtype=torch.bool), p.clone()
    active = torch.arange(len(p))
    e = torch.zeros_like(p)
    for _ in range(steps):
        if not len(active):
            break
        e_active = e[active].requires_grad_()
        logits, kept_label = z[active] + e_active, label[active]
        q = logits.softmax(1)
        largest_other = logits.masked_fill(~other_classes[active], -torch.inf).amax(1)
        excess = (largest_other - logits.gather(1, kept_label[:, None])[:, 0]).clamp_min(0)
        size = (q - p[active]).abs().sum(1)
        loss = _score(classifier, q).abs() + LABEL_WEIGHT * excess + weight * size
        (gradient,) = torch.autograd.grad(loss.sum(), e_active)
        norm = gradient.norm(dim=1, keepdim=True).clamp_min(1e-12)
        e[active] = (e_active - STEP_LENGTH * gradient / norm).detach()
        q = (z[active] + e[active]).softmax(1)
        done = (_score(classifier, q) * score_before[active] <= 0) & (q.argmax(1) == kept_label)
        perturbed[active[done]], is_found[active[done]] = q[done], True
        active = active[~done]
    return is_found, perturbed


def _score(classifier: nn.Module, p: Tensor) -> Tensor:
    """Return the logit of membership (n,), which is zero where the classifier is undecided."""
    logits: Tensor = classifier(p)
    return logits[:, 1] - logits[:, 0]
