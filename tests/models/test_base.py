"""What all target models have in common: seeds, recipes, parameters, and the data they support."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from privbench.data import DataSpec
from privbench.engine import Recipe
from privbench.models.base import EstimatorModel, TargetModel, TorchModel
from privbench.models.cnn import Cnn
from privbench.models.logistic import Logistic
from privbench.models.mlp import Mlp
from privbench.models.resnet9 import ResNet9

from .arithmetic import CLASSES, SHAPE, built, logits_of, records

IMAGE = DataSpec("image", SHAPE, CLASSES)


TABLE = DataSpec("tabular", (7,), CLASSES)


BITS = DataSpec("binary", (7,), CLASSES)


MODELS = {"mlp": Mlp(hidden=(8, 4), dropout=0.5), "logistic": Logistic(), "cnn": Cnn(channels=3)}


every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@every_model
def test_weights_follow_from_torchs_default_generator(model):
    first, again, other = (built(model, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert not any(torch.equal(weight, other[name]) for name, weight in first.items())
    before = np.random.get_state()[1].copy()
    built(model)
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("model", [Mlp(), Logistic(), Cnn()], ids=MODELS)
def test_examples_do_not_mix_while_training(model):
    module, x = built(model).train(), torch.tensor(records())
    alone = torch.cat([module(x[i : i + 1]) for i in range(len(x))])
    torch.testing.assert_close(module(x), alone, atol=1e-6, rtol=1e-5)


CHANGES = {
    "optimizer": "adam",
    "lr": 0.25,
    "momentum": 0.5,
    "weight_decay": 0.125,
    "epochs": 3,
    "batch_size": 17,
    "hidden": (5, 6),
    "dropout": 0.25,
    "channels": 7,
    "precision": "bf16",
    "flip": lambda default: not default,
    "crop": 3,
    "width": 16,
    "groups": 4,
}


def described(model):
    return model.recipe(), model.precision, model.augmentation(), str(built(model))


@pytest.mark.parametrize(
    ("cls", "parameter"),
    [(cls, p) for cls in (Mlp, Logistic, Cnn, ResNet9) for p in cls.model_fields],
)
def test_each_parameter_changes_the_model_or_its_training(cls, parameter):
    change = CHANGES[parameter]
    if callable(change):
        change = change(cls.model_fields[parameter].default)
    assert described(cls(**{parameter: change})) != described(cls())


@every_model
def test_a_recipe_has_every_field(model):
    settings = {name: CHANGES[name] for name in Recipe.__dataclass_fields__}
    sgd = type(model)(**settings | {"optimizer": "sgd"})
    assert sgd.recipe() == Recipe("sgd", 0.25, 0.5, 0.125, 3, 17, "bf16")
    for optimizer in ("adam", "adamw"):  # they have no momentum
        other = type(model)(**settings | {"optimizer": optimizer})
        assert other.recipe() == Recipe(optimizer, 0.25, 0.0, 0.125, 3, 17, "bf16")


def test_default_recipes():
    assert Mlp().recipe() == Logistic().recipe() == Recipe("sgd", 0.1, 0.9, 0.0, 20, 64)
    assert Cnn().recipe() == Recipe("sgd", 0.05, 0.9, 0.0, 10, 64)
    assert ResNet9().recipe() == Recipe("sgd", 0.1, 0.9, 5e-4, 30, 128)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (Logistic, {"optimizer": "lion"}),
        (Logistic, {"lr": 0.0}),
        (Logistic, {"lr": math.inf}),
        (Logistic, {"momentum": 1.0}),
        (Logistic, {"momentum": -0.1}),
        (Logistic, {"weight_decay": -1e-9}),
        (Logistic, {"epochs": 0}),
        (Logistic, {"batch_size": 0}),
        (Logistic, {"hidden": (3,)}),
        (Mlp, {"hidden": ()}),
        (Mlp, {"hidden": (4, 0)}),
        (Mlp, {"dropout": 1.0}),
        (Mlp, {"dropout": -0.1}),
        (Cnn, {"channels": 0}),
        (Cnn, {"crop": -1}),
        (Logistic, {"precision": "float16"}),
        (ResNet9, {"width": 0}),
        (ResNet9, {"width": 1032}),
        (ResNet9, {"groups": 0}),
        (ResNet9, {"groups": 5}),
    ],
)
def test_bad_parameters(cls, params):
    with pytest.raises(ValidationError, match=next(iter(params))):
        cls(**params)


@pytest.mark.parametrize("spec", [IMAGE, TABLE, BITS])
def test_mlp_and_logistic_learn_any_data(spec):
    for model in (Mlp(), Logistic()):
        assert model.skip(spec) == ""
        assert logits_of(built(model, spec.shape), records(2, spec.shape)).shape == (2, CLASSES)


def test_a_target_model_runs_everywhere_unless_it_says_otherwise():
    class Anything(TargetModel):
        name = "anything"

    assert [Anything().skip(spec) for spec in (IMAGE, TABLE, BITS)] == ["", "", ""]


@pytest.mark.parametrize(("base", "method"), [(TorchModel, "build"), (EstimatorModel, "fit")])
def test_a_model_without_its_method_cannot_be_made(base, method):
    class Unfinished(base):
        name = "unfinished"

    with pytest.raises(TypeError, match=method):
        Unfinished()
