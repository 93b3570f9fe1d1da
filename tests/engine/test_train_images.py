"""Augmentation and precision in training: the same whatever the strategy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from privbench.engine import Augmentation, Population, Recipe, TrainingSets, train_population

from .problems import SEEDS, assert_same, differ

RECIPE = Recipe("sgd", 0.05, 0.9, 0.0, 2, 8)
M = 20


def images() -> TrainingSets:
    rng = np.random.default_rng(0)
    x = rng.random((30, 1, 6, 6), dtype=np.float32)
    index = np.stack([rng.permutation(30)[:M] for _ in range(3)])
    return TrainingSets.shared(x, rng.integers(0, 3, 30), index)


def dense() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 10), nn.ReLU(), nn.Linear(10, 3))


def convolving() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    )


def trained(
    build: object, strategy: str, precision: str = "float32", **options: object
) -> Population:
    recipe = Recipe(**{**RECIPE.__dict__, "precision": precision})
    return train_population(build, images(), recipe, SEEDS[:3], strategy=strategy, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("build", [dense, convolving])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_augmented_models_are_the_same_stacked_and_alone(build: object, precision: str) -> None:
    augment = Augmentation(flip=True, crop=2)
    alone = trained(build, "sequential", precision, augment=augment)
    atol = 2e-5 if precision == "float32" else 0.03
    for chunk in (2, 3):
        stacked = trained(build, "batched", precision, augment=augment, chunk=chunk)
        assert_same(alone, stacked, atol=atol)
    assert differ(alone, trained(build, "sequential", precision))


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_bf16_rounds_products_and_keeps_weights(strategy: str) -> None:
    exact, rounded = trained(dense, strategy), trained(dense, strategy, "bf16")
    assert differ(exact, rounded)
    for name, weight in rounded.params.items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, exact.params[name], atol=0.02, rtol=0.1)


def test_an_augmentation_is_drawn_anew_for_each_image_and_epoch() -> None:
    seen = []

    def loss(forward, batch):  # type: ignore[no-untyped-def]
        seen.append(batch.x.clone())
        return forward(batch.x).sum(-1) * 0

    one = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
    sets = TrainingSets.shared(one, np.zeros(1, np.int64), np.zeros((1, 40), np.int64))
    augment = Augmentation(flip=True, crop=0)
    recipe = Recipe("sgd", 0.1, 0.0, 0.0, 10, 40)
    train_population(dense, sets, recipe, [5], loss=loss, augment=augment, strategy="sequential")
    flipped = torch.stack(seen)[:, :, 0, 0, 0] == 5  # (epochs, images)
    assert 140 < int(flipped.sum()) < 260  # 400 fair coins: sd 10
    assert len(flipped.unique(dim=0)) == 10


def test_tf32_needs_a_gpu() -> None:
    with pytest.raises(ValueError, match="precision: tf32 needs a CUDA device, not cpu"):
        trained(dense, "batched", "tf32")
