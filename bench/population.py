"""Seconds a model: what users write, and what the engine does, side by side in one run.

    python bench/population.py [--models 16] [--repeat 3] [--share 0.25]

The yardstick is a DataLoader over a TensorDataset, one model after another, on torch's default
threads; it is measured before and after, because a shared machine drifts. ``--share`` trains that
share of the epochs and scales up. With PRIVBENCH_DATA_DIR set, job L trains on Location-30 itself,
else on random binary records of its shape. Medians of ``--repeat`` runs.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from privbench.data import DataSpec
from privbench.engine import (
    Batch,
    Loss,
    Recipe,
    TrainingSets,
    cross_entropy,
    normal,
    train_population,
)
from privbench.generators.vae_network import VaeNetwork, elbo_loss


@dataclass(frozen=True)
class Job:
    name: str
    build: Callable[[], nn.Module]
    sets: TrainingSets
    recipe: Recipe
    loss: Loss = cross_entropy
    noise_dim: int = 0


def mlp(features: int, hidden: int, classes: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 7 * 7, 10)),
    )


def jobs(models: int) -> Iterator[Job]:
    sgd = Recipe("sgd", 0.1, 0.9, 0.0, 20, 64)
    adam = Recipe("adam", 1e-3, 0.0, 0.0, 20, 64)
    location = location_records()
    mnist = random_records((784,), 10_000, 10)
    images = random_records((1, 28, 28), 4_000, 10)
    digits = random_records((64,), 1_200, 10)
    binary = DataSpec("binary", (446,), 30)
    small = DataSpec("image", (64,), 10)
    yield Job("L: MLP 446-128-30", mlp(446, 128, 30), halves(*location, 2505, models), sgd)
    yield Job(
        "M: MLP 784-256-10", mlp(784, 256, 10), halves(*mnist, 5000, models), replace(sgd, epochs=5)
    )
    yield Job("CNN 16, 32 filters", cnn, halves(*images, 2000, 2), replace(sgd, epochs=2, lr=0.02))
    yield Job(
        "VAE 446-256-32",
        lambda: VaeNetwork(binary, 32, 256),
        halves(*location, 1500, models),
        adam,
        elbo_loss(binary, 1.0),
        32,
    )
    yield Job(
        "VAE 64-256-16",
        lambda: VaeNetwork(small, 16, 256),
        halves(*digits, 600, models),
        adam,
        elbo_loss(small, 1.0),
        16,
    )


def random_records(shape: tuple[int, ...], n: int, classes: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    x = (rng.random((n, *shape)) < 0.1).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(rng.integers(0, classes, n))


def location_records() -> tuple[Tensor, Tensor]:
    if "PRIVBENCH_DATA_DIR" not in os.environ:
        return random_records((446,), 5_010, 30)
    from privbench.datasets.location30 import Location30

    data = Location30().load()
    return torch.from_numpy(data.x), torch.from_numpy(data.y)


def halves(x: Tensor, y: Tensor, m: int, models: int) -> TrainingSets:
    rng = np.random.default_rng(1)
    return TrainingSets.shared(x, y, np.stack([rng.permutation(len(y))[:m] for _ in range(models)]))


def yardstick(job: Job, models: int = 2) -> float:
    """Seconds a model of what users write."""
    started = time.perf_counter()
    for i in range(models):
        module = job.build()
        recipe = job.recipe
        data = DataLoader(TensorDataset(*job.sets.one(i)), recipe.batch_size, shuffle=True)
        if recipe.optimizer == "sgd":
            optimizer: torch.optim.Optimizer = torch.optim.SGD(
                module.parameters(), lr=recipe.lr, momentum=recipe.momentum
            )
        else:
            optimizer = torch.optim.Adam(module.parameters(), lr=recipe.lr)
        for _ in range(recipe.epochs):
            for x, y in data:
                optimizer.zero_grad()
                noise = torch.randn(len(x), job.noise_dim) if job.noise_dim else None
                job.loss(module, Batch(x, y, torch.tensor(0), noise)).mean().backward()
                optimizer.step()
    return (time.perf_counter() - started) / models


def engine(job: Job, strategy: str) -> float:
    """Seconds a model of the engine; two models are enough to time one after another."""
    sets = job.sets
    if strategy == "sequential":
        assert sets.index is not None
        sets = replace(sets, index=sets.index[:2])
    started = time.perf_counter()
    train_population(
        job.build,
        sets,
        job.recipe,
        range(sets.n_models),
        loss=job.loss,
        noise=normal(job.noise_dim) if job.noise_dim else None,
        strategy=strategy,  # type: ignore[arg-type]
    )
    return (time.perf_counter() - started) / sets.n_models


def measure(job: Job, repeat: int, share: float) -> None:
    epochs = max(1, round(job.recipe.epochs * share))
    scale = job.recipe.epochs / epochs
    job = replace(job, recipe=replace(job.recipe, epochs=epochs))
    timed: dict[str, Callable[[], float]] = {
        "yardstick before": lambda: yardstick(job),
        "sequential": lambda: engine(job, "sequential"),
        "auto": lambda: engine(job, "auto"),
        "yardstick after": lambda: yardstick(job),
    }
    warm_up = replace(job, recipe=replace(job.recipe, epochs=1))
    engine(warm_up, "auto")
    took = {name: [run() * scale for _ in range(repeat)] for name, run in timed.items()}
    middle = {name: median(times) for name, times in took.items()}
    users = (middle["yardstick before"] + middle["yardstick after"]) / 2
    for name, seconds in middle.items():
        print(
            f"{job.name:20} {name:18} {seconds:8.3f} s a model  {users / seconds:5.1f}x", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="time the engine against a user's loop")
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.25, help="of the epochs; scaled up")
    parser.add_argument("--job", default="", help="only jobs whose name starts so")
    arguments = parser.parse_args()
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]}"
    )
    for job in jobs(arguments.models):
        if job.name.startswith(arguments.job):
            measure(job, arguments.repeat, arguments.share)


if __name__ == "__main__":
    main()
