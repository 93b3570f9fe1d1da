"""Which modules DP-SGD can train."""

import pytest
import torch
from torch import nn

from privbench.engine import TrainingSets, can_train_privately, train_privately

from ..problems import FEATURES, RECIPES, SEEDS, shared_sets
from .problems import STEPS


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.nn.functional.dropout(self.layer(x), 0.5, self.training)


@pytest.mark.parametrize(
    ("build", "shape", "word"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), (4,), "mixes the examples"),
        (lambda: nn.Linear(4, 4).requires_grad_(False), (4,), "no parameters to train"),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), (4,), "Dropout"),
        (FunctionalDropout, (4,), "random"),
    ],
)
def test_what_it_cannot_train(build, shape, word):
    sets = TrainingSets.own(torch.zeros(2, 3, *shape), torch.zeros(2, 3, dtype=torch.int64))
    before = torch.random.get_rng_state()
    assert word in can_train_privately(build, sets, "cpu")
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_it_can_train():
    sets = TrainingSets.own(torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, dtype=torch.int64))
    build = lambda: nn.Sequential(  # noqa: E731
        nn.Flatten(), nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 2)
    )
    assert can_train_privately(build, sets, "cpu") == ""


def test_a_module_that_cannot_be_trained_is_an_error():
    build = lambda: nn.Sequential(nn.Linear(FEATURES, 3), nn.Dropout(0.5))  # noqa: E731
    with pytest.raises(ValueError, match="Dropout draws masks"):
        train_privately(build, shared_sets(), RECIPES["sgd"], STEPS, SEEDS)
