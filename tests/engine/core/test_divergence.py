"""Models whose weights are not finite are named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Diverged, Recipe, train_each, train_population

from ..problems import SEEDS, mlp, own_sets


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
