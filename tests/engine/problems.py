"""Small populations to train, and how to compare what came out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from privbench.engine import Population, Recipe, TrainingSets, cross_entropy
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import Phase

MODELS, M, N, FEATURES, CLASSES = 5, 37, 80, 6, 3  # 37 records in batches of 8: the last one has 5
SEEDS = [11, 2**62 + 5, 7, 3, 99]
RECIPES = {
    "sgd": Recipe("sgd", 0.1, 0.0, 0.0, 3, 8),
    "momentum": Recipe("sgd", 0.1, 0.9, 0.0, 3, 8),
    "sgd-decay": Recipe("sgd", 0.1, 0.9, 0.05, 3, 8),
    "adam": Recipe("adam", 0.01, 0.0, 0.05, 3, 8),
    "adamw": Recipe("adamw", 0.01, 0.0, 0.05, 3, 8),
}


def mlp(dropout: float = 0.0) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Linear(FEATURES, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, CLASSES)
    )


class Drawing(nn.Module):
    """Draws from torch's default generator."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x + 0.1 * torch.randn_like(x))


def job(build: Callable[[], nn.Module], recipe: Recipe = RECIPES["sgd"]) -> TrainingJob:
    phases = (Phase(cross_entropy),)
    cpu = torch.device("cpu")
    return TrainingJob(build, own_sets(), recipe, SEEDS, phases, None, None, cpu, lambda n: None)


def shared_sets() -> TrainingSets:
    rng = np.random.default_rng(0)
    index = np.stack([rng.permutation(N)[:M] for _ in range(MODELS)])
    return TrainingSets.shared(*_records(rng, (N,)), index)


def own_sets() -> TrainingSets:
    return TrainingSets.own(*_records(np.random.default_rng(1), (MODELS, M)))


def _records(rng: np.random.Generator, lead: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(*lead, FEATURES)).astype(np.float32)
    return x, (x[..., 0] > 0).astype(np.int64) + (x[..., 1] > 0)


def assert_same(left: Population, right: Population, atol: float = 2e-5) -> None:
    assert left.state().keys() == right.state().keys()
    for name, array in left.state().items():
        np.testing.assert_allclose(array, right.state()[name], atol=atol, rtol=1e-4, err_msg=name)


def differ(left: Population, right: Population) -> bool:
    return any(not torch.equal(t, right.params[name]) for name, t in left.params.items())
