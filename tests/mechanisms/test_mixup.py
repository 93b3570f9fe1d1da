"""Mixup against a loop over examples."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import nn

from privbench.engine import Batch, cross_entropy
from privbench.mechanisms.mixup import Mixup

from .training import batch, linear, mixup_by_hand


def test_each_record_is_mixed_with_the_preceding_one():
    one = batch(random_inputs=torch.rand(10, 1))
    torch.testing.assert_close(Mixup().loss(linear(), one), mixup_by_hand(linear(), one))


@pytest.mark.parametrize(("share", "shift"), [(1.0, 0), (0.0, 1)])
def test_a_share_of_0_or_1_is_cross_entropy_on_one_record(share, shift):
    found = Mixup().loss(linear(), batch(random_inputs=torch.full((10, 1), share)))
    torch.testing.assert_close(found, cross_entropy(linear(), batch()).roll(shift))


def test_images_are_mixed_as_flat_records():
    x, y, noise = torch.rand(6, 2, 3, 3), torch.arange(6) % 3, torch.rand(6, 1)
    forward = nn.Sequential(nn.Flatten(), nn.Linear(18, 3))
    flat = Mixup().loss(forward, Batch(x.flatten(1), y, torch.tensor(0), noise))
    torch.testing.assert_close(Mixup().loss(forward, Batch(x, y, torch.tensor(0), noise)), flat)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_shares_of_mixtures_come_from_the_beta_distribution(alpha):
    shares = Mixup(alpha=alpha).random_inputs(np.random.default_rng(0), 2000)
    assert shares.shape == (2000, 1)
    assert kstest(shares[:, 0], "beta", (alpha, alpha)).pvalue > 1e-3
