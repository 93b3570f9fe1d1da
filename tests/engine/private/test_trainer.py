"""How DP-SGD trains a chunk: recorded steps, memory, and one model at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from privbench.engine import (
    PrivateSteps,
    TrainingSets,
    can_train_privately,
    train_each,
    train_privately,
)
from privbench.engine.private.trainer import MIN_STEPS_TO_RECORD, PrivateTrainer

from ..problems import CLASSES, FEATURES, MODELS, RECIPES, SEEDS, assert_same, job, mlp
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


def _clipped_slowly(private, shares):
    """A loop that counts the gradients that are clipped, one by one; its models are not trained."""

    def loop(module, x, y, rng):
        rng.integers(2**63)  # which seeds the noise of others
        clipped = examples = 0
        for _ in range(private.steps):
            for i in np.flatnonzero(rng.random(len(x)) < private.sample_rate):
                loss = torch.nn.functional.cross_entropy(module(x[i : i + 1]), y[i : i + 1])
                grads = torch.autograd.grad(loss, list(module.parameters()))
                norm = torch.cat([grad.flatten() for grad in grads]).norm()
                clipped, examples = clipped + int(norm > private.max_grad_norm), examples + 1
        shares.append(clipped / examples)

    return loop


@pytest.mark.parametrize("chunk", [None, 1])
def test_the_share_of_gradients_that_are_clipped(chunk):
    still = replace(RECIPES["sgd"], lr=1e-9)  # so that models are those of the slow loop
    private, shares = PrivateSteps(0.3, 5, 0.7, 1.4), []
    x = torch.randn(MODELS, 20, FEATURES, generator=torch.Generator().manual_seed(0))
    y = torch.arange(20).expand(MODELS, 20) % CLASSES
    sets = TrainingSets.own(x, y)
    train_each(mlp(), sets, SEEDS, _clipped_slowly(private, shares), strategy="sequential")
    found = train_privately(mlp(), sets, still, private, SEEDS, chunk=chunk)
    assert 0 < min(shares) < max(shares) < 1
    assert found.facts["clipped_share"].tolist() == pytest.approx(shares)


@pytest.mark.parametrize(("norm", "share"), [(1e-6, 1.0), (1e6, 0.0)])
def test_no_gradient_or_each_is_clipped_in_recorded_steps(norm, share):
    long = PrivateSteps(0.2, MIN_STEPS_TO_RECORD, 1e-7, norm)
    assert train(private=long).facts["clipped_share"].tolist() == [share] * MODELS
