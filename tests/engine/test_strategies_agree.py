"""Whatever the strategy, the chunks and the company, a model comes out the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Recipe, TrainingSets, train_population

from .problems import FEATURES, MODELS, RECIPES, SEEDS, assert_same, mlp, own_sets, shared_sets


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
