from typing import ClassVar

import pytest
import torch
from torch import nn

from privbench.components.model_checks import check_build, check_population
from privbench.data import DataSpec
from privbench.engine import Population, build_seeded
from privbench.errors import PrivbenchError
from privbench.models.cnn import Cnn
from privbench.models.logistic import Logistic
from privbench.models.mlp import Mlp
from privbench.models.resnet9 import ResNet9

IMAGE = DataSpec("image", (3, 32, 32), 10)
TABLE = DataSpec("tabular", (5,), 3)
BITS = DataSpec("binary", (5,), 3)


@pytest.mark.parametrize("model", [Cnn(), Logistic(), Mlp(), ResNet9()], ids=lambda m: m.name)
@pytest.mark.parametrize("spec", [IMAGE, TABLE, BITS], ids=lambda spec: spec.kind)
def test_built_in_models_pass(model, spec):
    if not model.skip(spec):
        check_build(lambda: model.build(spec.shape, spec.n_classes), spec)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Softmax(1)], "returns probabilities.*leave out the softmax"),
        ([nn.Sigmoid()], ""),
        ([nn.LogSoftmax(1)], ""),
        ([nn.Flatten(0)], r"returned Tensor of shape \(24,\)"),
    ],
)
def test_what_a_module_ends_in(layers, message):
    def build():
        return nn.Sequential(nn.Linear(5, 3), *layers)

    if not message:
        return check_build(build, TABLE)
    with pytest.raises(PrivbenchError, match=message):
        check_build(build, TABLE)


class Probe(nn.Module):
    """Keeps what it is tried on."""

    seen: ClassVar[list] = []

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        self.seen.append(x)
        assert not self.training
        return self.layer(x)


def test_it_is_tried_on_records_of_the_kind_and_draws_nothing():
    state = torch.get_rng_state()
    check_build(Probe, BITS)
    check_build(Probe, TABLE)
    bits, table = Probe.seen
    assert set(bits.unique().tolist()) == {0.0, 1.0}
    assert (table < 0).any()
    assert torch.equal(torch.get_rng_state(), state)


def build():
    return nn.Linear(5, 3)


def population(seeds, *, trained):
    modules = [build_seeded(build, seed) for seed in seeds]
    with torch.no_grad():
        for module, is_trained in zip(modules, trained, strict=True):
            if is_trained:
                module.bias += 1e-3
    return Population.of(build, modules)


def test_trained_models_pass():
    check_population(population([3, 4], trained=[True, True]), build, [3, 4])


def test_a_single_model_that_was_not_trained_is_named():
    with pytest.raises(PrivbenchError, match="model 1 has the weights that it began with"):
        check_population(population([3, 4], trained=[True, False]), build, [3, 4])


def test_what_is_no_population_of_that_many_models():
    with pytest.raises(PrivbenchError, match=r"returned list, expected what task\.train returns"):
        check_population([build()], build, [3])
    with pytest.raises(PrivbenchError, match="returned 1 models, expected 2"):
        check_population(population([3], trained=[True]), build, [3, 4])


def test_models_of_another_architecture_pass():
    trained = population([3], trained=[False])
    check_population(trained, lambda: nn.Linear(7, 3), [3])
