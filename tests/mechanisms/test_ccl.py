"""The convex-concave loss: its formula, its gradient, and what it is published for."""

import math

import pytest
import torch

from privbench.engine import cross_entropy
from privbench.mechanisms.ccl import ConvexConcaveLoss

from .training import batch, linear

CONCAVE = {"exponential": math.exp, "quadratic": lambda p: p + p * p / 2}


@pytest.mark.parametrize("concave", CONCAVE)
@pytest.mark.parametrize(("alpha", "scale"), [(0.5, 1.0), (0.3, 2.0)])
def test_the_formula(concave, alpha, scale):
    found = ConvexConcaveLoss(alpha=alpha, concave=concave, scale=scale).loss(linear(), batch())
    for loss, x, y in zip(found.tolist(), batch().x, batch().y, strict=True):
        p = linear()(x).softmax(-1)[y].item()
        expected = scale * (-alpha * math.log(p) - (1 - alpha) * CONCAVE[concave](p))
        assert loss == pytest.approx(expected, rel=1e-5)


def test_without_the_concave_term_it_is_cross_entropy():
    found = ConvexConcaveLoss(alpha=1.0).loss(linear(), batch())
    torch.testing.assert_close(found, cross_entropy(linear(), batch()))


@pytest.mark.parametrize("concave", CONCAVE)
def test_the_pull_on_a_record_that_is_learned_stays(concave):
    """Relative to the cross-entropy, the records that are learned are pulled the most."""
    p = torch.linspace(0.01, 1, 50, dtype=torch.float64, requires_grad=True)
    term = p.exp() if concave == "exponential" else p + p**2 / 2
    (-(0.5 * p.log() + 0.5 * term)).sum().backward()
    convex, whole = -0.5 / p.detach(), p.grad
    assert (whole < convex).all()
    ratio = whole / convex
    assert (ratio.diff() > 0).all()
