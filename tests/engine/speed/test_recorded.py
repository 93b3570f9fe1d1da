"""Recorded steps give the gradients that autograd gives, for every kind of batch."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from privbench.engine.core.architecture import trainable
from privbench.engine.core.loss import tensors_of
from privbench.engine.core.population import Population, build_all
from privbench.engine.strategies.batched import BatchedTrainer, PhaseGradients
from privbench.engine.strategies.probe import schedule_job

from ..problems import CLASSES, FEATURES, MODELS, RECIPES, SEEDS, Drawing, M, assert_same, job, mlp

CPU = torch.device("cpu")


class Scaled(nn.Module):
    """Each model has a buffer of its own; one parameter is never used, another never trained."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)
        self.unused = nn.Parameter(torch.ones(2))
        self.fixed = nn.Parameter(torch.rand(FEATURES), requires_grad=False)
        self.register_buffer("scale", torch.rand(FEATURES))

    def forward(self, x):
        return self.layer(x * self.scale + self.fixed)


@pytest.mark.parametrize("build", [mlp(), Scaled], ids=["mlp", "buffers"])
@pytest.mark.parametrize("batch", [8, M % 8], ids=["whole", "last"])
def test_gradients_are_those_of_autograd(build, batch):
    task = job(build)
    trainer = BatchedTrainer(task)
    trainer.record([3])
    modules = build_all(build, SEEDS[1:4], CPU)
    population = Population.of(build, modules)
    weights = {**population.params, **population.buffers}
    whole = next(task.batches(range(1, 4), task.draws(range(1, 4)), 0))
    part = replace(whole, x=whole.x[:, :batch], y=whole.y[:, :batch])
    found = trainer.steps.gradients(0, weights, tensors_of(part))
    expected = PhaseGradients(task, task.phases[0], modules[0])(weights, tensors_of(part))
    for name, ours, theirs in zip(trainable(modules[0]), found, expected, strict=True):
        assert (ours is None) == (theirs is None) == (name == "unused")
        if ours is not None:
            torch.testing.assert_close(ours, theirs)


def test_a_batch_of_another_shape_was_not_recorded():
    trainer = BatchedTrainer(job(mlp()))
    trainer.record([3])
    x, y = torch.zeros(3, 7, FEATURES), torch.zeros(3, 7, dtype=torch.int64)
    assert trainer.steps.gradients(0, {}, {"x": x, "y": y}) is None
    assert set(trainer.steps.graphs) == {(0, torch.Size([3, 8])), (0, torch.Size([3, 5]))}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_training_by_recorded_steps_gives_the_same_models(recipe):
    task = job(Scaled, recipe)
    trainer = BatchedTrainer(task)
    trainer.record([MODELS])
    assert trainer.steps.graphs
    everyone = range(MODELS)
    assert_same(trainer.train(everyone), BatchedTrainer(task).train(everyone))


def test_recording_leaves_the_default_generator_alone():
    before = torch.random.get_rng_state()
    BatchedTrainer(job(mlp())).record([2])
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_draws_random_numbers_is_not_recorded():
    assert schedule_job(job(mlp()), "auto", 2**30).recorded
    assert not schedule_job(job(mlp(0.5)), "auto", 2**30).recorded
    assert not schedule_job(job(Drawing), "auto", 2**30).recorded
