"""Recipes are checked."""

from __future__ import annotations

import pytest

from privbench.engine import Recipe

from ..problems import RECIPES


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
