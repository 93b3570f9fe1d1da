"""A small population of overfitted networks, trained once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.data import DataSpec

if TYPE_CHECKING:
    from torch import nn

    from privbench.engine import Population

MODELS, POOL, REFERENCES, FEATURES, CLASSES = 12, 120, 60, 8, 3
BINARY = 2
"""Features that are 0 or 1, the last ones."""
SPEC = DataSpec("tabular", (FEATURES,), CLASSES)


@dataclass(frozen=True)
class Trained:
    """Networks that remember their training records, and what they answer.

    Attributes:
        x: float32 (POOL + REFERENCES, FEATURES); the reference records are the last ones.
        y: int64 (POOL + REFERENCES,).
        member: bool (MODELS, POOL).
        population: the networks.
        log_probs: float32 (MODELS, POOL + REFERENCES, CLASSES).
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    member: NDArray[np.bool_]
    population: Population
    log_probs: NDArray[np.float32]


def build() -> nn.Module:
    """Return a network with one hidden layer, large enough to remember."""
    from torch import nn

    return nn.Sequential(nn.Linear(FEATURES, 48), nn.ReLU(), nn.Linear(48, CLASSES))


def records(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw overlapping classes, a third of whose labels is random, so that a network must remember."""
    of_class = rng.integers(0, CLASSES, n)
    y = np.where(rng.random(n) < 0.35, rng.integers(0, CLASSES, n), of_class)
    x = rng.normal(size=(n, FEATURES)) + 1.5 * np.eye(CLASSES, FEATURES)[of_class]
    x[:, -BINARY:] = x[:, -BINARY:] > 0
    return x.astype(np.float32), y


def membership(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which half of the pool each model is trained on: bool (MODELS, POOL)."""
    return np.stack([rng.permutation(POOL) < POOL // 2 for _ in range(MODELS)])


@cache
def trained(variant: int) -> Trained:
    """Return a population; each variant has other records and other networks."""
    from privbench.engine import Recipe, TrainingSets, train_population

    rng = np.random.default_rng([variant, 1])
    x, y = records(POOL + REFERENCES, rng)
    member = membership(rng)
    index = np.stack([np.flatnonzero(row) for row in member])
    recipe = Recipe("adam", lr=0.02, momentum=0.0, weight_decay=0.0, epochs=60, batch_size=20)
    population = train_population(
        build, TrainingSets.shared(x, y, index), recipe, range(MODELS), strategy="batched"
    )
    logits = population.predict(x).astype(np.float64)
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return Trained(x, y, member, population, log_probs.astype(np.float32))
