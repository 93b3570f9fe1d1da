"""Stacked weights: storing them, taking one model out, asking them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from privbench.engine import Population, train_population

from ..problems import CLASSES, FEATURES, MODELS, RECIPES, SEEDS, mlp, own_sets


def normalised() -> nn.Module:
    return nn.Sequential(
        nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, CLASSES)
    )


@pytest.fixture
def population() -> Population:
    return train_population(normalised, own_sets(), RECIPES["sgd"], SEEDS)


def test_state_round_trip_is_exact(population: Population) -> None:
    state = population.state()
    again = Population.from_state(normalised, state)
    assert again.params.keys() == population.params.keys()
    assert set(again.buffers) == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    for name, array in again.state().items():
        assert array.flags.c_contiguous
        assert array.dtype == state[name].dtype
        assert np.array_equal(array, state[name])
    x = np.random.default_rng(0).normal(size=(9, FEATURES)).astype(np.float32)
    assert np.array_equal(again.predict(x), population.predict(x))


def test_from_state_rejects_another_architecture(population: Population) -> None:
    with pytest.raises(ValueError, match="but those of the module are"):
        Population.from_state(mlp(), population.state())
    wrong = {**population.state(), "0.weight": np.zeros((MODELS, 8, FEATURES + 1), np.float32)}
    with pytest.raises(ValueError, match=r"0.weight .* that of the module has \(8, 6\)"):
        Population.from_state(normalised, wrong)


def test_predict_is_what_each_module_says_in_eval_mode(population: Population) -> None:
    x = np.random.default_rng(0).normal(size=(10, FEATURES)).astype(np.float32)
    logits = population.predict(x, batch_size=4)  # 4, 4 and 2
    assert logits.shape == (MODELS, 10, CLASSES)
    assert logits.dtype == np.float32
    for i in range(MODELS):
        module = population.module(i)
        assert not module.training
        with torch.no_grad():
            np.testing.assert_allclose(logits[i], module(torch.from_numpy(x)), atol=1e-6)


def test_a_module_is_a_copy(population: Population) -> None:
    before = population.state()["0.weight"].copy()
    with torch.no_grad():
        population.module(0)[0].weight.zero_()
    assert np.array_equal(population.state()["0.weight"], before)
    assert len(population) == MODELS


def test_convolutions_keep_their_layout_in_the_state() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Unflatten(1, (1, 2, 3)),
            nn.Conv2d(1, 4, 3, padding=1),
            nn.Flatten(),
            nn.Linear(24, 3),
        )

    population = train_population(build, own_sets(), RECIPES["sgd"], SEEDS)
    assert all(array.flags.c_contiguous for array in population.state().values())


def test_copies_of_each_model_follow_one_another(population: Population) -> None:
    copies = population.repeated(2)
    assert len(copies) == 2 * MODELS
    for name, stacked in copies.stacked_weights().items():
        for i in range(MODELS):
            assert torch.equal(stacked[2 * i], population.stacked_weights()[name][i])
            assert torch.equal(stacked[2 * i + 1], stacked[2 * i])


def test_a_submodule_is_taken_out_and_put_in(population: Population) -> None:
    def outer() -> nn.Module:
        return nn.ModuleDict({"inner": normalised(), "other": nn.Linear(2, 2)})

    whole = Population.of(outer, [outer() for _ in range(MODELS)])
    replaced = whole.replacing("inner", population)
    inner = replaced.submodule("inner", normalised)
    for name, stacked in population.stacked_weights().items():
        assert torch.equal(inner.stacked_weights()[name], stacked)
    assert torch.equal(replaced.params["other.weight"], whole.params["other.weight"])
    assert not torch.equal(whole.params["inner.0.weight"], population.params["0.weight"])


def test_all_weights_move_to_a_device(population: Population) -> None:
    moved = population.to("meta")
    for name, stacked in population.stacked_weights().items():
        tensor = moved.stacked_weights()[name]
        assert (tensor.device.type, tensor.shape) == ("meta", stacked.shape)
