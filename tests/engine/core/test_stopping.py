"""Early stopping: the weights kept are those of the epoch that a plain loop would keep."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from privbench.engine import Population, Recipe, Validation, train_population

from ..problems import CLASSES, FEATURES, MODELS, SEEDS, mlp, shared_sets

RECIPE = Recipe("sgd", 0.3, 0.9, 0.0, 12, 8)
RNG = np.random.default_rng(8)
X = RNG.normal(size=(40, FEATURES)).astype(np.float32)
Y = RNG.integers(0, CLASSES, 40)


def trained(epochs: int, **options: object) -> Population:
    recipe = replace(RECIPE, epochs=epochs)
    return train_population(mlp(), shared_sets(), recipe, SEEDS, **options)  # type: ignore[arg-type]


@cache
def after_each_epoch(strategy: str) -> list[Population]:
    return [trained(epochs, strategy=strategy) for epochs in range(1, 13)]


@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("strategy", ["batched", "sequential"])
def test_each_model_keeps_its_best_epoch(strategy: str, patience: int) -> None:
    found = trained(12, strategy=strategy, validation=Validation(X, Y, patience))
    after = after_each_epoch(strategy)
    kept = []
    for i in range(MODELS):
        losses = [
            functional.cross_entropy(torch.tensor(one.predict_one(i, X)), torch.tensor(Y)).item()
            for one in after
        ]
        best, waited = 0, 0
        for epoch, loss in enumerate(losses[1:], 1):
            if loss < losses[best]:
                best, waited = epoch, 0
            else:
                waited += 1
            if waited == patience:
                break
        kept.append(best)
        for name, weight in found.params.items():
            torch.testing.assert_close(weight[i], after[best].params[name][i], atol=1e-5, rtol=1e-4)
    assert max(kept) < 11  # it stopped, for the labels are random


def test_wrong_validation() -> None:
    with pytest.raises(ValueError, match="patience: 0"):
        Validation(X, Y, 0)
    with pytest.raises(ValueError, match="validation: 40 records and 39 labels"):
        Validation(X, Y[1:], 1)
