"""Fused steps are those of torch's optimizers."""

from __future__ import annotations

import pytest
import torch

from privbench.engine import Recipe
from privbench.engine.speed.fused import FusedSteps, steps_by, steps_of

RECIPES = {
    "sgd": Recipe("sgd", 0.1, 0.0, 0.01, 1, 1),
    "momentum": Recipe("sgd", 0.1, 0.9, 0.01, 1, 1),
    "adam": Recipe("adam", 0.01, 0.0, 0.01, 1, 1),
    "adamw": Recipe("adamw", 0.01, 0.0, 0.01, 1, 1),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_steps_are_those_of_the_optimizer(recipe: Recipe) -> None:
    rng = torch.Generator().manual_seed(1)
    ours = [torch.randn(shape, generator=rng) for shape in ((3, 4), (5,), (2, 2))]
    theirs = [weight.clone() for weight in ours]
    fused = steps_of(ours, recipe)
    optimizer = recipe.make_optimizer(theirs)
    assert isinstance(fused, FusedSteps)
    for step in range(5):
        gradients = [torch.randn(weight.shape, generator=rng) for weight in ours]
        used = [None if step in skipped else g
                for g, skipped in zip(gradients, ((), (1, 3), range(5)), strict=True)]  # fmt: skip
        fused(used)
        for weight, gradient in zip(theirs, used, strict=True):
            weight.grad = gradient
        optimizer.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_steps_without_gradients_change_nothing() -> None:
    weight = torch.ones(3)
    steps_of([weight], RECIPES["adam"])([None])
    assert torch.equal(weight, torch.ones(3))


def test_an_optimizer_that_is_recorded_keeps_its_own_steps() -> None:
    weight = torch.ones(3)
    optimizer = RECIPES["momentum"].make_optimizer([weight])
    steps_by(optimizer)([torch.ones(3)])
    assert optimizer.state[weight]
