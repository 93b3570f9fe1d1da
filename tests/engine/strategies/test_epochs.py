"""The loop over epochs: order of updates, progress, divergence and early stopping."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from privbench.engine import Diverged, Recipe, Validation
from privbench.engine.strategies.epochs import train_epochs

from ..problems import FEATURES, job, mlp


class Recording:
    """A phase that writes down its batches, and may change the weights."""

    def __init__(self, log, name, change=lambda: None):
        self.log, self.name, self.change = log, name, change

    def step(self, batch):
        self.log.append((self.name, int(batch.epoch), batch.y.shape))
        self.change()


def test_phases_take_turns_and_each_epoch_is_counted():
    log, ticks = [], []
    task = replace(job(mlp()), tick=ticks.append)
    weights = {"w": torch.zeros(2, 3)}
    phases = [Recording(log, "first"), Recording(log, "second")]
    train_epochs(task, range(1, 3), phases, weights, list(weights.values()))
    assert [name for name, *_ in log] == ["first", "second"] * 15
    assert [epoch for _, epoch, _ in log] == [0] * 10 + [1] * 10 + [2] * 10
    assert {shape for *_, shape in log} == {(2, 8), (2, 5)}
    assert ticks == [2, 2, 2]


def test_divergence_names_model_and_epoch_and_ends_training():
    weights, log = {"w": torch.zeros(2, 3)}, []

    def spoil():
        if len(log) == 7:  # in the second epoch
            weights["w"][1, 2] = torch.nan

    phases = [Recording(log, "only", spoil)]
    with pytest.raises(Diverged, match="model 4 diverged in epoch 2 of 3"):
        train_epochs(job(mlp()), range(3, 5), phases, weights, list(weights.values()))
    assert len(log) == 10


def test_the_best_weights_are_restored_after_the_patience():
    """An output bias that grows makes the loss of label 0 fall until the sign of its growth turns."""
    module = mlp()()
    weights = {n: t.detach().clone()[None] for n, t in module.state_dict().items()}
    x = np.zeros((4, FEATURES), np.float32)
    recipe = Recipe("sgd", 0.1, 0.0, 0.0, 9, 37)
    validation = Validation(x, np.zeros(4, np.int64), patience=2)
    task = replace(job(mlp(), recipe), validation=validation)
    seen = []

    def change():
        weights["3.bias"][0, 0] += 1 if len(seen) < 3 else -1
        seen.append(weights["3.bias"].clone())

    train_epochs(task, range(1), [Recording([], "only", change)], weights, [])
    assert len(seen) == 5  # three that improve, and the patience
    assert torch.equal(weights["3.bias"], seen[2])
