"""What all training mechanisms have in common: their populations, seeds and parameters."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from privbench.engine import Population
from privbench.mechanisms.adversarial_regularization import AdversarialRegularization
from privbench.mechanisms.data_free_distillation import DataFreeDistillation
from privbench.mechanisms.distillation import Distillation
from privbench.mechanisms.dropout import Dropout
from privbench.mechanisms.early_stopping import EarlyStopping
from privbench.mechanisms.hamp import Hamp
from privbench.mechanisms.label_smoothing import LabelSmoothing
from privbench.mechanisms.mist import Mist
from privbench.mechanisms.mixup import Mixup
from privbench.mechanisms.mmd import Mmd
from privbench.mechanisms.relaxloss import RelaxLoss
from privbench.mechanisms.selena import Selena
from privbench.mechanisms.weight_decay import WeightDecay

from .training import SEEDS, differ, task

SELENA = Selena(sub_models=5, left_out=2)
MIST = Mist(sub_models=3)
DFKD = DataFreeDistillation(steps=8, batch_size=16, hidden=8, latent_dim=4)


MECHANISMS = [
    WeightDecay(), Dropout(), EarlyStopping(), LabelSmoothing(), Mixup(), RelaxLoss(alpha=1.1), Hamp(),
    Mmd(), Distillation(), SELENA, MIST, DFKD, AdversarialRegularization(),
]  # fmt: skip


def named(mechanism):
    return mechanism.name if hasattr(mechanism, "name") else None


every_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS, ids=named)


@cache
def training(mechanism):
    """The population of a mechanism, and the calls of its progress."""
    calls = []
    whole = task(progress=lambda *call: calls.append(call))
    return mechanism.train_population(whole), calls


def trained(mechanism):
    return training(mechanism)[0]


@every_mechanism
def test_the_population_is_of_the_target_model_and_progress_ends(mechanism):
    found, calls = training(mechanism)
    module = task().build()
    assert set(found.params) == {name for name, _ in module.named_parameters()}
    assert set(found.buffers) == {name for name, _ in module.named_buffers()}
    assert len(found) == len(SEEDS)
    for name, weight in module.named_parameters():
        assert found.params[name].shape == (len(SEEDS), *weight.shape)
    Population.from_state(task().build, found.state())  # as the store restores it
    done, total = calls[-1]
    assert done == total > 0
    shares = [done / total for done, total in calls]
    assert shares == sorted(shares)


@every_mechanism
def test_a_model_depends_on_its_own_seed_and_records_only(mechanism):
    others = replace(task(), sets=task().sets.take([2, 0]), seeds=[SEEDS[2], 99])
    found, before = mechanism.train_population(others), trained(mechanism)
    for name, weight in found.params.items():
        torch.testing.assert_close(weight[0], before.params[name][2], atol=1e-4, rtol=1e-4)
        assert not torch.allclose(weight[1], before.params[name][0], atol=1e-3)


CHANGES = [
    (WeightDecay(), {"strength": 0.1}),
    (Dropout(), {"rate": 0.1}),
    (LabelSmoothing(), {"smoothing": 0.5}),
    (Mixup(), {"alpha": 0.1}),
    (RelaxLoss(alpha=1.0), {"alpha": 1.2}),
    (RelaxLoss(alpha=9.0), {"upper": 0.2}),
    (Hamp(), {"entropy": 0.5}),
    (Hamp(), {"weight": 0.5}),
    (Mmd(), {"weight": 0.1}),
    (Mmd(), {"bandwidth": 2.0}),
    (Mmd(), {"mixup_alpha": 0.0}),
    (Mmd(), {"mixup_alpha": 0.1}),
    (Distillation(), {"temperature": 10.0}),
    (Distillation(), {"share": 0.5}),
    (SELENA, {"sub_models": 6}),
    (SELENA, {"left_out": 3}),
    (DFKD, {"steps": 16}),
    (DFKD, {"student_steps": 4}),
    (DFKD, {"batch_size": 8}),
    (DFKD, {"lr": 1e-2}),
    (DFKD, {"generator_lr": 1e-1}),
    (DFKD, {"latent_dim": 8}),
    (DFKD, {"hidden": 16}),
    (MIST, {"sub_models": 2}),
    (MIST, {"epochs_per_round": 2}),
    (MIST, {"weight": 3.0}),
    (MIST, {"cross_epochs": 2}),
    (AdversarialRegularization(), {"weight": 30.0}),
    (AdversarialRegularization(), {"attack_steps": 2}),
    (AdversarialRegularization(), {"hidden": 16}),
    (AdversarialRegularization(attack_lr=1e-3), {"attack_lr": 0.1}),
]


@pytest.mark.parametrize(("mechanism", "change"), CHANGES, ids=lambda one: named(one) or str(one))
def test_every_parameter_changes_the_weights(mechanism, change):
    changed = mechanism.model_copy(update=change)
    assert differ(trained(mechanism), trained(changed))


def test_no_parameter_is_forgotten():
    tried = {(type(mechanism), name) for mechanism, change in CHANGES for name in change}
    tried.add((EarlyStopping, "patience"))  # in test_early_stopping.py
    classes = {type(mechanism) for mechanism in MECHANISMS}
    assert tried == {(cls, name) for cls in classes for name in cls.model_fields}
