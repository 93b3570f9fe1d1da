"""Whatever the strategy, the chunks and the company, a model comes out the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Batch, Forward, Recipe, TrainingSets, normal, train_population

from .problems import (
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


@pytest.mark.parametrize("sets", [shared_sets, own_sets])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_batched_equals_sequential(sets: Callable[[], TrainingSets], recipe: Recipe) -> None:
    alone = train_population(mlp(), sets(), recipe, SEEDS, strategy="sequential")
    for chunk in (1, 3, MODELS):
        at_once = train_population(mlp(), sets(), recipe, SEEDS, strategy="batched", chunk=chunk)
        assert_same(alone, at_once)


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_a_model_depends_on_its_seed_and_set_alone(strategy: str) -> None:
    x, y, index = (t for t in (shared_sets().x, shared_sets().y, shared_sets().index))
    assert index is not None
    all_of_them = train_population(
        mlp(0.3), shared_sets(), RECIPES["momentum"], SEEDS, strategy=strategy
    )
    picked = [4, 1]  # fewer, and in another order
    some = train_population(
        mlp(0.3),
        TrainingSets.shared(x, y, index[picked]),
        RECIPES["momentum"],
        [SEEDS[i] for i in picked],
        strategy=strategy,
    )
    for name, stacked in some.params.items():
        torch.testing.assert_close(stacked, all_of_them.params[name][picked], atol=2e-5, rtol=1e-4)


def test_own_sets_of_the_same_records_are_the_shared_ones() -> None:
    sets = shared_sets()
    pairs = [sets.of_model(i) for i in range(MODELS)]
    own = TrainingSets.own(torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs]))
    left = train_population(mlp(), sets, RECIPES["adam"], SEEDS)
    assert_same(left, train_population(mlp(), own, RECIPES["adam"], SEEDS), atol=0)


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


class Tied(nn.Module):
    """Two layers that share one matrix, and a frozen offset."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, FEATURES)
        self.second = nn.Linear(FEATURES, FEATURES)
        self.second.weight = self.first.weight
        self.offset = nn.Parameter(torch.randn(FEATURES), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).tanh() + self.offset)


def test_tied_and_frozen_weights() -> None:
    alone = train_population(Tied, own_sets(), RECIPES["adam"], SEEDS, strategy="sequential")
    at_once = train_population(Tied, own_sets(), RECIPES["adam"], SEEDS, strategy="batched")
    assert_same(alone, at_once)
    for i, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        assert torch.equal(at_once.params["offset"][i], Tied().offset)
    module = at_once.module(1)
    assert torch.equal(module.first.weight, module.second.weight)


@pytest.mark.parametrize("recipe", [RECIPES["momentum"], RECIPES["adam"]])
def test_layers_that_are_worth_products_of_their_own(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whole batches large enough for oneDNN, in the last one not; also of one model."""
    monkeypatch.setattr("privbench.engine.speed.products.onednn_is_faster", lambda: True)
    monkeypatch.setattr("privbench.engine.speed.products.MIN_FLOPS", 2 * 8 * FEATURES * 16)
    alone = train_population(mlp(), shared_sets(), recipe, SEEDS, strategy="sequential")
    for chunk in (1, 3, MODELS):
        at_once = train_population(
            mlp(), shared_sets(), recipe, SEEDS, strategy="batched", chunk=chunk
        )
        assert_same(alone, at_once)
