"""Each of the three losses of RelaxLoss."""

import pytest
import torch

from privbench.engine import cross_entropy
from privbench.mechanisms.relaxloss import RelaxLoss

from .training import CLASSES, batch, linear


@pytest.mark.parametrize("epoch", [0, 1])
def test_above_alpha_the_loss_is_cross_entropy(epoch):
    found = RelaxLoss(alpha=0.0).loss(linear(), batch(epoch=epoch))
    torch.testing.assert_close(found, cross_entropy(linear(), batch()))


@pytest.mark.parametrize("epoch", [0, 2, 8])
def test_below_alpha_even_epochs_raise_the_mean_loss(epoch):
    found = RelaxLoss(alpha=9.0).loss(linear(), batch(epoch=epoch))
    mean = cross_entropy(linear(), batch()).mean()
    torch.testing.assert_close(found, (9.0 - mean).expand(10))


@pytest.mark.parametrize("upper", [0.3, 1.0])
def test_below_alpha_odd_epochs_flatten_the_outputs(upper):
    forward, same = linear(scale=3), linear(scale=3)
    found = RelaxLoss(alpha=9.0, upper=upper).loss(forward, batch(epoch=3))
    expected = []
    for x, y in zip(batch().x, batch().y, strict=True):
        answer = same(x).softmax(-1)
        top = min(answer[y].item(), upper)  # a float: no gradient flows through it
        soft = [top if c == y else (1 - top) / (CLASSES - 1) for c in range(CLASSES)]
        expected.append(-sum(soft[c] * answer[c].log() for c in range(CLASSES)))
    torch.testing.assert_close(found, torch.stack(expected))
    found.mean().backward()
    torch.stack(expected).mean().backward()
    torch.testing.assert_close(forward.weight.grad, same.weight.grad)
