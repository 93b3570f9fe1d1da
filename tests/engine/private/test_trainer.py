"""How DP-SGD trains a chunk: recorded steps, memory, and one model at a time."""

import torch

from privbench.engine import (
    PrivateSteps,
    TrainingSets,
    can_train_privately,
    train_each,
    train_privately,
)
from privbench.engine.private.trainer import MIN_STEPS_TO_RECORD, PrivateTrainer

from ..problems import CLASSES, MODELS, RECIPES, SEEDS, assert_same, job, mlp
from .problems import ARCHITECTURES, STEPS, one_by_one, train


def test_recorded_steps_give_the_models_of_steps_that_are_not(monkeypatch):
    long = PrivateSteps(0.2, MIN_STEPS_TO_RECORD, 0.7, 0.5)
    recorded = train(private=long)
    monkeypatch.setattr(
        "privbench.engine.private.trainer.MIN_STEPS_TO_RECORD", MIN_STEPS_TO_RECORD + 1
    )
    assert_same(recorded, train(private=long), atol=1e-4)


def test_memory_bounds_the_models_at_once():
    small = PrivateSteps(0.2, 1, 0.7, 0.5)
    trainer = PrivateTrainer(job(mlp()), small, stacked=True)
    schedules = [trainer.schedule(memory) for memory in (1, 2**40)]
    assert [(one.strategy, one.chunk) for one in schedules] == [("batched", 1), ("batched", MODELS)]


def test_convolutions_are_trained_one_model_at_a_time_on_a_cpu():
    build, shape = ARCHITECTURES["cnn"]
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(MODELS, 20, *shape, generator=rng)
    sets = TrainingSets.own(x, torch.arange(20).expand(MODELS, 20) % CLASSES)
    assert can_train_privately(build, sets, "cpu") == ""
    found = train_privately(build, sets, RECIPES["momentum"], STEPS, SEEDS)
    slow = train_each(build, sets, SEEDS, one_by_one(STEPS, RECIPES["momentum"]))
    assert_same(found, slow, atol=1e-4)
