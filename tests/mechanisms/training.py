"""A tiny population to train, batches of its records, and comparisons of populations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from privbench.data import Data, DataSpec
from privbench.engine import Batch, TrainingSets
from privbench.mechanisms.base import TrainingTask
from privbench.models.mlp import Mlp

FEATURES, CLASSES, M = 8, 3, 60
SPEC = DataSpec("tabular", (FEATURES,), CLASSES)
SEEDS = [11, 2**62 + 5, 7]
MLP = Mlp(hidden=(16,), epochs=3, batch_size=20)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2 * M, FEATURES)).astype(np.float32)
Y = RNG.integers(0, CLASSES, 2 * M)  # independent of X, so that a model can only memorise
REFERENCE = Data(
    RNG.normal(size=(30, FEATURES)).astype(np.float32), RNG.integers(0, CLASSES, 30), SPEC
)
INDEX = np.stack([RNG.permutation(2 * M)[:M] for _ in SEEDS])


def task(model=MLP, m=M, x=X, y=Y, progress=lambda done, total: None):
    sets = TrainingSets.shared(x, y, INDEX[:, :m])
    return TrainingTask(model, SPEC, sets, REFERENCE, SEEDS, "cpu", progress)


def assert_close(left, right, atol=1e-4):
    """Compare the weights of all models."""
    torch.testing.assert_close(left.params, right.params, atol=atol, rtol=1e-4)


def differ(left, right):
    return any(not torch.allclose(t, right.params[n], atol=1e-5) for n, t in left.params.items())


def linear(scale=1.0, seed=0):
    torch.manual_seed(seed)
    layer = nn.Linear(FEATURES, CLASSES)
    with torch.no_grad():
        layer.weight.mul_(scale)
    return layer


def batch(n=10, epoch=0, **more):
    return Batch(torch.tensor(X[:n]), torch.tensor(Y[:n]), torch.tensor(epoch), **more)


def reference_batch(n=10):
    """The fields of a batch that bring reference records."""
    return {"other_x": torch.tensor(REFERENCE.x[:n]), "other_y": torch.tensor(REFERENCE.y[:n])}


def reference_losses(population):
    y = torch.tensor(REFERENCE.y)
    logits = torch.tensor(population.predict(REFERENCE.x))
    return torch.stack([functional.cross_entropy(one, y) for one in logits])


def dirichlet(n, seed, concentration=1.0):
    """Random outputs (n, classes) and labels (n,)."""
    rng = np.random.default_rng(seed)
    return (
        torch.tensor(rng.dirichlet(np.full(CLASSES, concentration), n)),
        torch.tensor(rng.integers(0, CLASSES, n)),
    )


def mixup_by_hand(forward, one):
    losses = []
    for i in range(len(one.y)):
        share = one.random_inputs[i, 0]
        logits = forward(share * one.x[i] + (1 - share) * one.x[i - 1])
        of = [functional.cross_entropy(logits, one.y[j]) for j in (i, i - 1)]
        losses.append(share * of[0] + (1 - share) * of[1])
    return torch.stack(losses)


@dataclass(frozen=True)
class Recording(TrainingTask):
    """Returns the populations ``ready`` in place of the first trainings, and records all arguments."""

    ready: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def train(self, **options):
        self.asked.append(options)
        return self.ready.pop(0) if self.ready else super().train(**options)


def recording(whole, *ready):
    return Recording(**vars(whole), ready=list(ready))
