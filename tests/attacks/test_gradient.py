"""Gradient: against autograd, model by model and record by record."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from privbench.attacks.gradient import Gradient
from privbench.attacks.lira import log_ratios

from .helpers import auc, random_population, views_of


class NetworkModel:
    """A model with this network."""

    def __init__(self, network):
        self.network = network

    def module(self):
        return self.network


def mlp(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).eval()


def views_of_networks(n_models=5, n=20):
    models, labels, member = random_population(n_models=n_models, n=n, n_classes=3)
    member[1:, 0] = True  # for the first target, record 0 has no OUT shadow
    networks = [NetworkModel(mlp(seed)) for seed in range(n_models)]
    records = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    return dataclasses.replace(
        views_of(models, labels, member),
        records=records,
        target_models=networks,
        shadow_models=networks,
    )


def slow_score(model, record, label):
    """Return minus the log norm of one record's gradient."""
    network = model.module()
    logits = network(torch.from_numpy(record)[None])
    loss = nn.functional.cross_entropy(logits, torch.tensor([label]))
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return -float(torch.cat([g.ravel() for g in gradients]).norm().log())


@pytest.mark.parametrize("calibrated", [False, True])
def test_slow_reference(calibrated):
    views = views_of_networks()
    raw = np.array(
        [
            [slow_score(m, x, y) for x, y in zip(views.records, views.labels, strict=True)]
            for m in views.target_models
        ]
    )
    expected = raw
    if calibrated:  # LiRA of the norms; log_ratios has slow references of its own
        expected = log_ratios(raw, raw, views.shadow_member, True, "shrunk")
    scores = Gradient(calibrated=calibrated).score_all(views)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)


def test_shadows_of_another_population_have_networks_of_their_own():
    views = views_of_networks()
    others = [NetworkModel(mlp(seed)) for seed in range(10, 15)]
    naive = dataclasses.replace(views, shadow_models=others)
    assert not np.allclose(Gradient().score_all(naive), Gradient().score_all(views))
    np.testing.assert_array_equal(
        Gradient(calibrated=False).score_all(naive), Gradient(calibrated=False).score_all(views)
    )


def test_it_detects_memorised_records():
    """The network is trained on random labels."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(60, 20)).astype(np.float32))
    y = torch.from_numpy(rng.integers(0, 2, 60))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[:30]), y[:30]).backward()
        optimiser.step()
    models, _, member = random_population(n_models=1, n=60, n_classes=2)
    views = dataclasses.replace(
        views_of(models, y.numpy(), member),
        records=x.numpy(),
        target_models=[NetworkModel(network)],
    )
    scores = Gradient(calibrated=False).score_all(views)[0]
    assert auc(scores, np.arange(60) < 30) > 0.8
