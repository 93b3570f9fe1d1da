"""The default methods of mechanisms, and the tasks of training mechanisms."""

import numpy as np
import pytest
import torch

from privbench.errors import PrivbenchError
from privbench.mechanisms.base import (
    LatentMechanism,
    OutputMechanism,
    TrainingLoop,
    TrainingMechanism,
)
from privbench.models.base import TargetModel
from privbench.models.cnn import Cnn
from privbench.models.mlp import Mlp

from .outputs import context
from .training import MLP, SEEDS, SPEC, assert_close, differ, task


class Halve(OutputMechanism):
    name = "halve"

    def apply(self, probabilities, rng):
        return (probabilities + probabilities[:, ::-1]) / 2


class Shift(LatentMechanism):
    name = "shift"

    def apply(self, codes, rng):
        return codes + rng.random()


class Nothing(TrainingLoop):
    """Returns the freshly initialised module."""

    name = "nothing"

    def train(self, module, x, y, model, rng):
        pass


class Plain(TrainingMechanism):
    name = "plain"

    def train_population(self, task):
        return task.train()


class NotTorch(TargetModel):
    name = "not-torch"


def test_output_mechanisms_apply_without_a_fit():
    outputs = np.array([[0.7, 0.2, 0.1]])
    transform = Halve().fit(context(), np.random.default_rng(0))
    np.testing.assert_allclose(transform(outputs, np.random.default_rng(0)), [[0.4, 0.2, 0.4]])
    assert not Halve.needs_fit


def test_latent_mechanisms_ignore_reference_codes():
    codes, reference = np.zeros((2, 3), np.float32), np.ones((5, 3), np.float32)
    first, again = np.random.default_rng(1), np.random.default_rng(1)
    altered = Shift().apply_with_reference(codes, reference, first)
    np.testing.assert_array_equal(altered, Shift().apply(codes, again))


def test_a_task_trains_the_target_model_on_its_sets():
    assert_close(Plain().train_population(task()), task().train(), atol=0)
    other_recipe = task().train(recipe=Mlp(hidden=(16,), epochs=1, batch_size=20).recipe())
    assert differ(task().train(), other_recipe)


def test_subtasks_have_their_own_seeds_and_share_the_progress():
    calls = []
    whole = task(progress=lambda *call: calls.append(call))
    first, second = whole.subtask(0, 2), whole.subtask(1, 2)
    assert len({*whole.seeds, *first.seeds, *second.seeds}) == 3 * len(SEEDS)
    assert first.seeds == whole.subtask(0, 2).seeds
    first.progress(3, 4)
    second.progress(1, 4)
    assert calls == [(3, 8), (5, 8)]


def test_a_training_loop_gets_the_initial_weights_of_each_seed():
    population = Nothing().train_population(task())
    for i, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        for name, weight in MLP.build(SPEC.shape, SPEC.n_classes).named_parameters():
            torch.testing.assert_close(population.params[name][i], weight)


@pytest.mark.parametrize("mechanism", [Plain(), Nothing()], ids=str)
def test_training_mechanisms_skip_models_that_are_not_torch_modules(mechanism):
    assert mechanism.skip(SPEC, MLP) == ""
    reason = mechanism.skip(SPEC, NotTorch())
    assert reason.endswith("acts on the training of torch models, and not-torch is not one")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Cnn(flip=True), "without augmentation"),
        (Mlp(precision="bf16"), "in float32 and not in bf16"),
    ],
)
def test_training_loops_skip_what_only_the_engine_does(model, reason):
    assert reason in Nothing().skip(SPEC, model)
    assert Plain().skip(SPEC, model) == ""


class Reporting(TrainingLoop):
    name = "reporting"

    def train(self, module, x, y, model, rng):
        return self.reported(x, rng)

    def reported(self, x, rng):
        return {"epsilon": np.float32(0.5), "steps": len(x)}


class Wandering(Reporting):
    def reported(self, x, rng):
        return {"epsilon": rng.random()}


class Wordy(Reporting):
    def reported(self, x, rng):
        return {"accountant": "rdp"}


class Endless(Reporting):
    def reported(self, x, rng):
        return {"epsilon": float("inf")}


class Losses(Reporting):
    def reported(self, x, rng):
        return [0.3, 0.2]


def test_numbers_that_a_training_loop_returns_are_facts_of_the_population():
    population = Reporting().train_population(task())
    assert population.facts["epsilon"].tolist() == [0.5] * len(SEEDS)
    assert set(population.facts) == {"epsilon", "steps"}
    assert Losses().train_population(task()).facts == {}


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (Wandering, "train returned epsilon from 0.* to 0.*, expected the same for all models"),
        (Wordy, "train returned 'accountant': str, expected numbers by name"),
        (Endless, "train returned 'epsilon': inf, expected a finite number"),
    ],
)
def test_what_is_no_fact(loop, message):
    with pytest.raises(PrivbenchError, match=message):
        loop().train_population(task())
