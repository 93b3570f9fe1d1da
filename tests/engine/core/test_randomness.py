"""Draws are each model's own, and have the right law."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Batch, Forward, normal, train_population

from ..problems import (
    FEATURES,
    MODELS,
    RECIPES,
    SEEDS,
    assert_same,
    differ,
    mlp,
    own_sets,
    shared_sets,
)


def test_dropout_masks_are_each_models_own() -> None:
    kept = train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS)
    alone = train_population(mlp(0.5), own_sets(), RECIPES["sgd"], SEEDS, strategy="sequential")
    assert differ(kept, alone)
    for chunk in (2, MODELS):
        at_once = train_population(
            mlp(0.5), own_sets(), RECIPES["sgd"], SEEDS, strategy="batched", chunk=chunk
        )
        assert_same(alone, at_once)


def test_dropout_keeps_the_right_share_and_the_mean() -> None:
    seen: list[Tensor] = []

    def loss(forward: Forward, batch: Batch) -> Tensor:
        out = forward(torch.ones_like(batch.x))
        seen.append(out.detach())
        return out.sum(-1) * 0

    def build() -> nn.Module:
        module = nn.Sequential(nn.Linear(FEATURES, 400), nn.Dropout(0.3))
        nn.init.zeros_(module[0].weight)
        nn.init.ones_(module[0].bias)
        return module

    train_population(build, own_sets(), RECIPES["sgd"], SEEDS, loss=loss, strategy="sequential")
    values = torch.cat(seen)
    assert values.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    # 5 models x 3 epochs x 37 records x 400 units: sd of the share is 0.001
    assert (values == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)


def noisy(forward: Forward, batch: Batch) -> Tensor:
    assert batch.random_inputs is not None
    return (forward(batch.x + batch.random_inputs).logsumexp(-1) - forward(batch.x)[:, 0]).square()


def test_noise_is_each_models_own() -> None:
    runs = [
        train_population(
            mlp(),
            shared_sets(),
            RECIPES["momentum"],
            SEEDS,
            loss=noisy,
            random_inputs=normal(FEATURES),
            strategy=strategy,
            chunk=chunk,
        )
        for strategy, chunk in (("sequential", None), ("batched", 2), ("batched", 5))
    ]
    assert_same(runs[0], runs[1])
    assert_same(runs[0], runs[2])


def test_noise_is_standard_normal_and_new_in_each_step() -> None:
    seen: list[Tensor] = []

    def loss(forward: Forward, batch: Batch) -> Tensor:
        assert batch.random_inputs is not None
        seen.append(batch.random_inputs.clone())
        return forward(batch.x).sum(-1) * 0

    train_population(
        mlp(),
        own_sets(),
        RECIPES["sgd"],
        SEEDS,
        loss=loss,
        random_inputs=normal(50),
        strategy="sequential",
    )
    noise = torch.cat(seen)  # 5 models x 3 epochs x 37 records
    assert noise.shape == (555, 50)
    assert len(noise[:, 0].unique()) == 555
    assert noise.mean().item() == pytest.approx(0, abs=0.03)  # 27,750 draws: 5 standard errors
    assert noise.std().item() == pytest.approx(1, abs=0.03)
