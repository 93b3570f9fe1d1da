"""One model, trained alone, against a loop in plain PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from privbench.engine import Recipe, TrainingSets
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import Phase, cross_entropy
from privbench.engine.strategies.sequential import train_alone

CPU = torch.device("cpu")
RECIPE = Recipe("sgd", 0.1, 0.9, 0.0, 2, 8)


def convolving():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 3))


def test_a_convolving_model_is_that_of_a_plain_loop():
    """It is trained in another memory layout, with the same weights and running statistics."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 20, 2, 6, 6)).astype(np.float32)
    sets = TrainingSets.own(x, rng.integers(0, 3, (2, 20)))
    ticks = []
    job = TrainingJob(
        convolving, sets, RECIPE, [4, 9], (Phase(cross_entropy),), None, None, CPU, ticks.append
    )
    module = train_alone(job, 1)
    assert ticks == [1, 1]
    torch.manual_seed(9)
    plain = convolving()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    records, labels = sets.of_model(1)
    orders = np.random.default_rng([9, 0])
    for _ in range(2):
        order = orders.permutation(20)
        for rows in (order[:8], order[8:16], order[16:]):
            optimizer.zero_grad()
            functional.cross_entropy(plain(records[rows]), labels[rows]).backward()
            optimizer.step()
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)
