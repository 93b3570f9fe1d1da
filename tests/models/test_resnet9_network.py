"""The layers of ResNet-9 against a formula and a slow forward pass."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from privbench.models.resnet9_network import ResNet9Network


def network(width=4, channels=3, classes=5, groups=2):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResNet9Network(channels, classes, width, groups)


def images(n, shape=(3, 9, 8), seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, *shape)).astype(np.float32))


@pytest.mark.parametrize(("width", "channels", "classes"), [(64, 3, 10), (8, 1, 7), (16, 3, 100)])
def test_number_of_weights(width, channels, classes):
    """Eight 3x3 convolutions, two numbers for each of their filters, one linear layer."""
    w = width
    pairs = [(channels, w), (w, 2 * w), (2 * w, 2 * w), (2 * w, 2 * w), (2 * w, 4 * w)]
    pairs += [(4 * w, 4 * w)] * 3
    expected = sum(9 * a * b + 2 * b for a, b in pairs) + 4 * w * classes + classes
    module = network(w, channels, classes, groups=8)
    assert sum(weight.numel() for weight in module.parameters()) == expected
    assert not list(module.buffers())


def slow_forward(module, x, groups):
    """The network written out, with the mean and variance of each group by hand."""
    weights = [weight.detach() for weight in module.parameters()]

    def layer(x):
        kernel, scale, shift, *weights[:] = weights
        y = functional.conv2d(x, kernel, padding=1)
        grouped = y.reshape(len(y), groups, -1)
        mean, var = grouped.mean(2, keepdim=True), grouped.var(2, correction=0, keepdim=True)
        y = ((grouped - mean) / (var + 1e-5).sqrt()).reshape(y.shape)
        return (y * scale[:, None, None] + shift[:, None, None]).clamp(min=0)

    def pooled(x):
        height, width = (side // 2 for side in x.shape[2:])
        squares = x[:, :, : 2 * height, : 2 * width].reshape(*x.shape[:2], height, 2, width, 2)
        return squares.amax((3, 5))

    x = pooled(layer(layer(x)))
    x = x + layer(layer(x))
    x = pooled(layer(x))
    x = pooled(layer(x))
    x = x + layer(layer(x))
    last, bias = weights
    return (x.flatten(2).amax(2) @ last.T + bias) / 8


def test_the_forward_pass():
    module, x = network(), images(4, (3, 17, 19))
    with torch.no_grad():
        for weight in module.parameters():  # GroupNorm starts as ones and zeros
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.manual_seed(1)))
        torch.testing.assert_close(module(x), slow_forward(module, x, 2), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_examples_do_not_mix_while_training():
    module, x = network().train(), images(6)
    logits = module(x)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(module(x[order]), logits[order])
    torch.testing.assert_close(torch.cat([module(image[None]) for image in x]), logits)
    changed = x.clone()
    changed[2] += 1
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(module(changed)[others], logits[others])
    assert not torch.allclose(module(changed)[2], logits[2])
