"""Entry points: no side effects, clear errors, progress, and loops of the caller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Recipe, train_each, train_population

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


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_training_goes_on_from_given_models(strategy: str) -> None:
    """Of two epochs of full batches, the second starts from the models of the first."""
    two = Recipe("sgd", 0.1, 0.0, 0.0, 2, M)
    once = replace(two, epochs=1)
    sets = own_sets()
    first = train_population(mlp(), sets, once, SEEDS, strategy=strategy)
    kept = {name: weight.clone() for name, weight in first.params.items()}
    again = train_population(mlp(), sets, once, SEEDS, strategy=strategy, start=first, chunk=2)
    assert_same(again, train_population(mlp(), sets, two, SEEDS, strategy=strategy))
    torch.testing.assert_close(first.params, kept, atol=0, rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_models_on_the_cpu_go_on_on_a_gpu() -> None:
    sets, once = own_sets(), Recipe("sgd", 0.1, 0.0, 0.0, 1, M)
    first = train_population(mlp(), sets, once, SEEDS)
    here, there = (
        train_population(mlp(), sets, once, SEEDS, start=first, device=device)
        for device in ("cpu", "cuda")
    )
    assert_same(there.to("cpu"), here)


def test_seeds_and_chunk_are_checked() -> None:
    with pytest.raises(ValueError, match="2 seeds for the training sets of 5 models"):
        train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS[:2])
    with pytest.raises(ValueError, match="2 seeds"):
        train_each(mlp(), own_sets(), SEEDS[:2], lambda *_: None)
    with pytest.raises(ValueError, match="chunk: 0"):
        train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS, chunk=0)
