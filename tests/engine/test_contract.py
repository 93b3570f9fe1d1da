"""What the engine promises beside the numbers: no side effects, clear errors, progress."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from privbench.engine import (
    Batch,
    Diverged,
    Forward,
    Recipe,
    TrainingSets,
    train_each,
    train_population,
)

from .problems import MODELS, RECIPES, SEEDS, M, assert_same, mlp, own_sets, shared_sets


def draw(module: nn.Module, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
    torch.randn(3)


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_global_random_state_is_untouched(strategy: str) -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    train_population(mlp(0.5), own_sets(), RECIPES["sgd"], SEEDS, strategy=strategy)
    train_each(mlp(), own_sets(), SEEDS, draw)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_shared_records_live_once_in_memory() -> None:
    x = np.zeros((6, 4), np.float32)
    x.flags.writeable = False  # as arrays that come from a file are
    sets = TrainingSets.shared(x, np.zeros(6, np.int64), np.zeros((50, 3), np.int64))
    assert np.shares_memory(sets.x.numpy(), x)
    assert sets.to("cpu").flat()[0].data_ptr() == sets.x.data_ptr()
    assert (sets.n_models, sets.m) == (50, 3)
    by_feature = TrainingSets.shared(np.asfortranarray(x), np.zeros(6, np.int64), sets.index)
    assert by_feature.x.is_contiguous()


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_a_diverged_model_is_named(strategy: str) -> None:
    sets = own_sets()
    sets.x[3] *= 1e30
    recipe = Recipe("sgd", 0.5, 0.0, 0.0, 9, 8)
    with pytest.raises(Diverged, match=r"model 3 diverged in epoch 1 of 9.*lower lr \(now 0.5\)"):
        train_population(mlp(), sets, recipe, SEEDS, strategy=strategy, chunk=2)


def test_train_each_names_a_diverged_model() -> None:
    def spoil(module: nn.Module, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
        with torch.no_grad():
            next(module.parameters()).fill_(float("nan"))

    with pytest.raises(Diverged, match="model 0"):
        train_each(mlp(), own_sets(), SEEDS, spoil)


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_progress_counts_the_epochs_of_models(strategy: str) -> None:
    seen: list[tuple[int, int]] = []
    train_population(
        mlp(),
        own_sets(),
        RECIPES["sgd"],
        SEEDS,
        strategy=strategy,
        chunk=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    done = [part for part, _ in seen]
    assert {total for _, total in seen} == {15}
    assert done == sorted(set(done))
    assert done[-1] == 15


def test_train_each_gives_a_loop_its_model_and_its_draws() -> None:
    seen: list[tuple[int, float, float]] = []

    def loop(module: nn.Module, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
        assert module.training
        seen.append((len(y), rng.random(), torch.rand(1).item()))
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        wrapped = nn.Sequential(module)
        nn.functional.cross_entropy(wrapped(x), y).backward()
        optimizer.step()

    sets, progress = shared_sets(), []
    population = train_each(mlp(), sets, SEEDS, loop, progress=lambda *now: progress.append(now))
    full_batch = Recipe("sgd", 0.1, 0.0, 0.0, 1, M)
    assert_same(population, train_population(mlp(), sets, full_batch, SEEDS))
    assert [n for n, _, _ in seen] == [M] * MODELS
    assert len({own for _, own, _ in seen}) == len({ours for *_, ours in seen}) == MODELS
    assert progress == [(i + 1, MODELS) for i in range(MODELS)]
    first = list(seen)
    seen.clear()
    train_each(mlp(), sets, SEEDS, loop)
    assert seen == first


def test_a_loss_that_is_not_per_example() -> None:
    def mean(forward: Forward, batch: Batch) -> Tensor:
        return forward(batch.x).mean()

    for strategy in ("batched", "sequential", "auto"):
        with pytest.raises(ValueError, match="one value per example"):
            train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS, loss=mean, strategy=strategy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "lion"}, r"optimizer: 'lion' is not allowed \(allowed: sgd, adam, adamw\)"),
        ({"lr": 0.0}, "lr: 0.0 is out of bounds"),
        ({"lr": float("nan")}, "lr: nan is out of bounds"),
        ({"momentum": 1.0}, "momentum: 1.0 is out of bounds"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum: must be 0 for adam, got 0.9"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_recipes_are_checked(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**{**RECIPES["sgd"].__dict__, **change})


def test_sets_are_checked() -> None:
    x, y = np.zeros((4, 2), np.float32), np.zeros(4, np.int64)
    with pytest.raises(ValueError, match="do not match"):
        TrainingSets.shared(x, y[:3], np.zeros((2, 2), np.int64))
    with pytest.raises(ValueError, match="points outside of the 4 records"):
        TrainingSets.shared(x, y, np.full((2, 2), 4))
    with pytest.raises(ValueError, match="int64"):
        TrainingSets.shared(x, y, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="2 models of 0 records"):
        TrainingSets.shared(x, y, np.zeros((2, 0), np.int64))
    with pytest.raises(ValueError, match="do not match"):
        TrainingSets.own(x, y)


def test_seeds_and_chunk_are_checked() -> None:
    with pytest.raises(ValueError, match="2 seeds for the training sets of 5 models"):
        train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS[:2])
    with pytest.raises(ValueError, match="2 seeds"):
        train_each(mlp(), own_sets(), SEEDS[:2], lambda *_: None)
    with pytest.raises(ValueError, match="chunk: 0"):
        train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS, chunk=0)
