"""The discrepancy against a double loop, and the loss that it enters."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from privbench.engine import cross_entropy
from privbench.mechanisms.mixup import Mixup
from privbench.mechanisms.mmd import Mmd, discrepancy

from .training import CLASSES, batch, dirichlet, linear, mixup_by_hand, reference_batch


@pytest.mark.parametrize("bandwidth", [0.1, 0.5, 3.0])
def test_discrepancy_against_a_double_loop(bandwidth):
    def mean(p, q=None):
        """Over all pairs of ``p`` and ``q``, or over those of two different ones of ``p``."""
        pairs = product(p, q) if q is not None else permutations(p, 2)
        return np.mean([np.exp(-((x - y) ** 2).sum() / (2 * bandwidth**2)) for x, y in pairs])

    def of_class(answers, label):
        return answers[0][answers[1] == label].numpy()

    a, b = dirichlet(9, 0), dirichlet(7, 1)
    pairs = [(of_class(a, label), of_class(b, label)) for label in range(CLASSES)]
    pairs = [(p, q) for p, q in pairs if len(p) > 1 and len(q) > 1]
    assert 0 < len(pairs) < CLASSES
    expected = np.mean([mean(p) + mean(q) - 2 * mean(p, q) for p, q in pairs])
    assert discrepancy(*a, *b, bandwidth).item() == pytest.approx(expected)
    assert discrepancy(*b, *a, bandwidth).item() == pytest.approx(expected)


def test_discrepancy_of_one_distribution_is_zero_on_average():
    found = [
        discrepancy(*dirichlet(7, i), *dirichlet(9, i + 5000), 0.5).item() for i in range(2000)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(2000)


def test_discrepancy_of_a_class_does_not_depend_on_other_classes():
    a, b = dirichlet(12, 0)[0], dirichlet(12, 1, 0.2)[0]
    one, zero = torch.ones(12, dtype=torch.int64), torch.zeros(12, dtype=torch.int64)
    alone = discrepancy(a, one, b, one, 0.5)
    beside = discrepancy(
        torch.cat([a, a]), torch.cat([one, zero]), torch.cat([b, b]), torch.cat([one, zero]), 0.5
    )
    torch.testing.assert_close(alone, beside)
    assert alone > 0
    assert discrepancy(a, one, b, zero, 0.5) == 0  # no class in common


def test_discrepancy_grows_with_the_difference():
    a, b = dirichlet(20, 0), dirichlet(20, 1)
    uniform = torch.full_like(a[0], 1 / CLASSES)
    found = [discrepancy(*a, w * uniform + (1 - w) * b[0], b[1], 0.5) for w in (0, 0.3, 0.6, 1)]
    assert found[-1] == max(found)
    assert found[-1] > 0.01


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_mmd_adds_the_weighted_discrepancy_to_the_loss(alpha):
    forward, one = (
        linear(),
        batch(random_inputs=torch.rand(10, 1) if alpha else None, **reference_batch()),
    )
    fit = mixup_by_hand(forward, one) if alpha else cross_entropy(forward, one)
    own, other = forward(one.x).softmax(-1), forward(one.other_x).softmax(-1)
    extra = discrepancy(own, one.y, other, one.other_y, 0.2)
    found = Mmd(weight=5, bandwidth=0.2, mixup_alpha=alpha).loss(forward, one)
    torch.testing.assert_close(found, fit + 5 * extra)


def test_no_gradient_flows_through_reference_records():
    forward, one = linear(), batch(**reference_batch())
    fixed = forward(one.other_x).softmax(-1).detach()
    extra = discrepancy(forward(one.x).softmax(-1), one.y, fixed, one.other_y, 0.5)
    (cross_entropy(forward, one).mean() + 2 * extra).backward()
    expected = forward.weight.grad.clone()
    forward.zero_grad()
    Mmd(weight=2, bandwidth=0.5, mixup_alpha=0).loss(forward, one).mean().backward()
    torch.testing.assert_close(forward.weight.grad, expected)


def test_mixing_shares_are_those_of_mixup():
    drawn = Mmd(mixup_alpha=0.3).random_inputs(np.random.default_rng(0), 20)
    np.testing.assert_array_equal(
        drawn, Mixup(alpha=0.3).random_inputs(np.random.default_rng(0), 20)
    )
    assert Mmd(mixup_alpha=0).random_inputs(np.random.default_rng(0), 5) is None
