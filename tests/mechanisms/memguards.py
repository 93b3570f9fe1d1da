"""MemGuard with the classifier that it fits, and what that classifier decides."""

from __future__ import annotations

from functools import cache

import torch

from privbench.mechanisms.memguard import MemGuard

from .outputs import context, rng


@cache
def guarded(seed=0, **params):
    """The fitted transform of outputs, and the classifier that it uses."""
    mechanism = MemGuard(**{"epochs": 15, "hidden": 16, **params})
    classifier = mechanism.train_classifier(
        context(), int(rng(seed).integers(2**63))
    )  # as fit does
    return mechanism.fit(context(), rng(seed)), classifier


def says_member(classifier, outputs):
    with torch.no_grad():
        logits = classifier(torch.from_numpy(outputs).float())
    return (logits[:, 1] > logits[:, 0]).numpy()


def margin(classifier, outputs):
    with torch.no_grad():
        logits = classifier(torch.from_numpy(outputs).float())
    return (logits[:, 1] - logits[:, 0]).abs().numpy()
