"""The workloads that are timed: populations to train, and on which records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from privbench.data import DataSpec
from privbench.engine import Batch, Loss, Recipe, TrainingSets, cross_entropy
from privbench.generators.vae_network import VaeNetwork, elbo_loss
from privbench.models.cnn import Cnn

BINARY = DataSpec("binary", (446,), 30)
DIGITS = DataSpec("image", (64,), 10)


@dataclass(frozen=True)
class Workload:
    """A population to train, and its printed name."""

    name: str
    build: Callable[[], nn.Module]
    sets: TrainingSets
    recipe: Recipe
    loss: Loss = cross_entropy
    random_dim: int = 0
    """Random inputs of the loss per example."""
    target: float | None = None
    """How many times as fast as the yardstick the engine should be."""

    def flops(self) -> float:
        """Floating point operations of the products of one model's training, forward and backward."""
        x, y = (tensor[:8] for tensor in self.sets.flat())
        random_inputs = torch.randn(8, self.random_dim) if self.random_dim else None
        with FlopCounterMode(display=False) as counter:
            self.loss(self.build(), Batch(x, y, torch.tensor(0), random_inputs)).sum().backward()
        return counter.get_total_flops() / 8 * self.sets.m * self.recipe.epochs


def mlp(features: int, hidden: int, classes: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def cnn() -> nn.Module:
    return Cnn().build((1, 28, 28), 10)


def workloads(models: int) -> Iterator[Workload]:
    """Trained as usual."""
    sgd = Recipe("sgd", 0.1, 0.9, 0.0, 20, 64)
    adam = Recipe("adam", 1e-3, 0.0, 0.0, 20, 64)
    location, mnist = location_records(), mnist_records()
    images = mnist[0].view(-1, 1, 28, 28), mnist[1]
    digits = random_records((64,), 1_200, 10)
    yield Workload(
        "L: MLP 446-128-30", mlp(446, 128, 30), halves(*location, 2505, models), sgd, target=5
    )
    m = replace(sgd, epochs=5)
    yield Workload(
        "M: MLP 784-256-10", mlp(784, 256, 10), halves(*mnist, 5000, models), m, target=2.5
    )
    c = replace(sgd, epochs=2, lr=0.02)
    yield Workload("CNN 16, 32 filters", cnn, halves(*images, 2000, 4), c, target=1.4)
    yield Workload(
        "VAE 446-256-32", lambda: VaeNetwork(BINARY, 32, 256),
        halves(*location, 1500, 2 * models), adam, elbo_loss(BINARY, 1.0), 32, target=3.5,
    )  # fmt: skip
    yield Workload(
        "VAE 64-256-16", lambda: VaeNetwork(DIGITS, 16, 256),
        halves(*digits, 600, models), adam, elbo_loss(DIGITS, 1.0), 16,
    )  # fmt: skip


def private_workloads(models: int) -> Iterator[Workload]:
    """Trained with DP-SGD."""
    for workload in workloads(models):
        if workload.name[0] in "LMC":
            yield replace(workload, name=f"DP-SGD {workload.name}")


def random_records(shape: tuple[int, ...], n: int, classes: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    x = (rng.random((n, *shape)) < 0.1).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(rng.integers(0, classes, n))


def location_records() -> tuple[Tensor, Tensor]:
    if not real_data():
        return random_records((446,), 5_010, 30)
    from privbench.datasets.location30 import Location30

    data = Location30().load()
    return torch.from_numpy(data.x), torch.from_numpy(data.y)


def mnist_records() -> tuple[Tensor, Tensor]:
    if not real_data():
        return random_records((784,), 10_000, 10)
    from privbench.datasets.mnist import Mnist

    data = Mnist().load()
    return torch.from_numpy(data.x[:10_000]).flatten(1), torch.from_numpy(data.y[:10_000])


def real_data() -> bool:
    """Whether Location-30 and MNIST are there; else random records of their shape are used."""
    return "PRIVBENCH_DATA_DIR" in os.environ


def halves(x: Tensor, y: Tensor, m: int, models: int) -> TrainingSets:
    rng = np.random.default_rng(1)
    return TrainingSets.shared(x, y, np.stack([rng.permutation(len(y))[:m] for _ in range(models)]))
