"""Losses that look at values are refused by a message that says what to write."""

import pytest
import torch
from torch import nn

from privbench.engine import (
    PrivateSteps,
    ValueDependentLoss,
    cross_entropy,
    train_population,
    train_privately,
)
from privbench.engine.core.loss_errors import explained

from ..problems import FEATURES, RECIPES, SEEDS, assert_same, mlp, own_sets


def branching(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses if losses.mean() > 1 else 2 * losses


def with_item(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses * losses.mean().item()


def with_numpy(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses * float(losses.detach().numpy().mean())


def masked(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses + losses[losses > 1].sum()


def nonzero(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses + losses[(losses > 1).nonzero()[:, 0]].sum()


def by_epoch(forward, batch):
    losses = cross_entropy(forward, batch)
    return losses if batch.epoch % 2 == 0 else 2 * losses


def chosen(forward, batch):
    losses = cross_entropy(forward, batch)
    return torch.where(losses.mean() > 1, losses, 2 * losses)


def train(loss, strategy="auto", build=None):
    recipe = RECIPES["sgd"]
    return train_population(build or mlp(), own_sets(), recipe, SEEDS, loss=loss, strategy=strategy)


LOSSES = [branching, with_item, with_numpy, masked, nonzero, by_epoch]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_error_says_what_to_write_and_keeps_torchs_error(loss):
    with pytest.raises(ValueError, match=r"torch\.where\(condition, a, b\)") as caught:
        train(loss)
    assert isinstance(caught.value, ValueDependentLoss)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "vmap" not in str(caught.value)


def test_the_line_of_the_loss_is_in_the_traceback_of_the_cause():
    with pytest.raises(ValueDependentLoss) as caught:
        train(branching, "batched")
    trace = caught.value.__cause__.__traceback__
    names = []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "branching" in names


def test_what_it_says_to_write_trains_the_models_of_the_branch():
    """Models trained one after another may look at values, and tell whether the advice is right."""
    assert_same(train(chosen), train(branching, "sequential"))


@pytest.mark.parametrize("loss", [branching, with_item])
def test_with_dp_sgd_too(loss):
    private = PrivateSteps(0.2, 2, 0.7, 0.5)
    with pytest.raises(ValueDependentLoss, match=r"torch\.where"):
        train_privately(mlp(), own_sets(), RECIPES["sgd"], private, SEEDS, loss=loss)


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(FEATURES, 3)

    def forward(self, x):
        outputs = self.layer(x)
        return 2 * outputs if outputs.sum() > 0 else outputs


def test_a_module_that_looks_at_values_is_not_the_losss_fault():
    with pytest.raises(RuntimeError, match="data-dependent"):
        train(cross_entropy, "batched", Branching)
    assert_same(
        train(cross_entropy, "auto", Branching), train(cross_entropy, "sequential", Branching)
    )


def test_other_errors_of_a_loss_are_left_alone():
    def failing(forward, batch):
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        explained(failing)(lambda x: x, None)
