"""The engine against hand-written NumPy: one linear layer, squared loss, every optimizer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from privbench.engine import Batch, Forward, Recipe, train_population

from .problems import FEATURES, RECIPES, SEEDS, M, own_sets, shared_sets

Weights = NDArray[np.float64]


def squares(forward: Forward, batch: Batch) -> Tensor:
    return (forward(batch.x)[:, 0] - batch.y).square()


def gradient(w: Weights, x: Weights, y: NDArray[np.int64]) -> Weights:
    """Of the mean squared error; ``w`` is (features + 1,), the bias last."""
    error = x @ w[:-1] + w[-1] - y
    return 2 * np.append(x.T @ error, error.sum()) / len(y)


def slow_training(
    recipe: Recipe, w: Weights, x: Weights, y: NDArray[np.int64], seed: int
) -> Weights:
    """One model, straight from the papers' update rules."""
    rng = np.random.default_rng([seed, 0])
    velocity = first = second = np.zeros_like(w)
    steps = 0
    for _ in range(recipe.epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            g = gradient(w, x[rows], y[rows])
            steps += 1
            if recipe.optimizer == "adamw":
                w = w * (1 - recipe.lr * recipe.weight_decay)
            else:
                g = g + recipe.weight_decay * w
            if recipe.optimizer == "sgd":
                velocity = recipe.momentum * velocity + g
                w = w - recipe.lr * velocity
                continue
            first = 0.9 * first + 0.1 * g
            second = 0.999 * second + 0.001 * g**2
            mean, square = first / (1 - 0.9**steps), second / (1 - 0.999**steps)
            w = w - recipe.lr * mean / (np.sqrt(square) + 1e-8)
    return w


@pytest.mark.parametrize("strategy", ["batched", "sequential"])
@pytest.mark.parametrize("name", RECIPES)
def test_training_follows_the_update_rule(name: str, strategy: str) -> None:
    recipe = Recipe(**{**RECIPES[name].__dict__, "lr": RECIPES[name].lr / 4})
    for sets in (shared_sets(), own_sets()):
        population = train_population(
            lambda: nn.Linear(FEATURES, 1), sets, recipe, SEEDS, loss=squares, strategy=strategy
        )
        for i, seed in enumerate(SEEDS):
            torch.manual_seed(seed)
            start = nn.Linear(FEATURES, 1)
            w = np.append(start.weight.detach().numpy(), start.bias.detach().numpy())
            x, y = (t.numpy() for t in sets.of_model(i))
            assert len(y) == M
            expected = slow_training(recipe, w.astype(float), x.astype(float), y, seed)
            got = np.append(population.params["weight"][i].numpy(), population.params["bias"][i])
            np.testing.assert_allclose(got, expected, atol=2e-5)
