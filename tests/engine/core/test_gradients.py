"""Norms of per-example gradients against autograd, record by record."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from privbench.engine.core import gradients
from privbench.engine.core.gradients import gradient_norms


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 12), nn.ReLU(), nn.Linear(12, 4))


def cnn():
    """With a buffer that the forward pass uses, and a weight that is not trained."""
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 4),
    )  # fmt: skip
    network[1].running_mean.normal_()
    network[0].bias.requires_grad_(False)
    return network


@pytest.fixture(params=[mlp, cnn])
def network(request):
    torch.manual_seed(0)
    return request.param().eval()


def slow_norms(network, x, y):
    """In float64, from -log p_y = log(1 + sum_c exp(z_c - z_y))."""
    exact = copy.deepcopy(network).double()
    params = [p for p in exact.parameters() if p.requires_grad]
    norms = []
    for record, label in zip(torch.as_tensor(x), y, strict=True):
        logits = exact(record[None].double())[0]
        others = torch.cat([logits[:label], logits[label + 1 :]])
        loss = (others - logits[label]).exp().sum().log1p()  # -log p_y
        norms.append(torch.cat([g.ravel() for g in torch.autograd.grad(loss, params)]).norm())
    return [float(norm) for norm in norms]


def problem(n=11):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 1, 6, 6)).astype(np.float32), rng.integers(0, 4, n)


@pytest.mark.parametrize("budget", [2**28, 1, 5000], ids=["at once", "one by one", "some"])
def test_autograd_record_by_record(network, budget, monkeypatch):
    monkeypatch.setattr(gradients, "BYTES", budget)
    x, y = problem()
    norms = gradient_norms(network, x, y)
    assert norms.dtype == np.float32
    np.testing.assert_allclose(norms, slow_norms(network, x, y), rtol=1e-4)


def test_the_network_is_left_alone(network):
    before = copy.deepcopy(network.state_dict())
    gradient_norms(network, *problem())
    assert all(p.grad is None for p in network.parameters())
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("margin", [-60.0, 1.0, 15.0, 17.0, 30.0, 60.0, 80.0])
def test_certain_answers_are_told_apart(margin):
    """Logits x and 0: the other class has p = sigmoid(-x), and the gradient is (-p, p) times (x, 1)."""
    network = nn.Linear(1, 2)
    nn.init.zeros_(network.bias)
    network.weight.data = torch.tensor([[1.0], [0.0]])
    norm = gradient_norms(network, np.array([[margin]], np.float32), np.array([0]))
    other = np.exp(-np.logaddexp(0.0, margin))
    np.testing.assert_allclose(norm, other * np.sqrt(2 * (margin**2 + 1)), rtol=1e-5)


def test_a_gradient_of_zero():
    network = nn.Linear(2, 2)
    network.weight.data, network.bias.data = torch.zeros(2, 2), torch.tensor([1e4, 0.0])
    assert gradient_norms(network, np.ones((1, 2), np.float32), np.array([0])) == 0
