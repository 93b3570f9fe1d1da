"""ResNet-9: its layers against a formula and a slow forward pass; examples do not mix; it learns."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from privbench.engine import Recipe, TrainingSets, train_population
from privbench.models.resnet9 import ResNet9

TINY = ResNet9(width=4, groups=2)


def built(model=TINY, shape=(3, 9, 8), classes=5):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.build(shape, classes)


def images(n, shape=(3, 9, 8), seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, *shape)).astype(np.float32))


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 28, 28), (3, 28, 28), (1, 32, 32), (3, 32, 32), (3, 9, 40)], ids=str
)
@pytest.mark.parametrize("classes", [2, 10])
def test_images_of_many_sizes_get_an_answer(shape, classes):
    logits = built(shape=shape, classes=classes)(images(2, shape))
    assert logits.shape == (2, classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize(("width", "channels", "classes"), [(64, 3, 10), (8, 1, 7), (16, 3, 100)])
def test_number_of_weights(width, channels, classes):
    """Eight 3x3 convolutions, two numbers for each of their filters, one linear layer."""
    w = width
    pairs = [(channels, w), (w, 2 * w), (2 * w, 2 * w), (2 * w, 2 * w), (2 * w, 4 * w)]
    pairs += [(4 * w, 4 * w)] * 3
    expected = sum(9 * a * b + 2 * b for a, b in pairs) + 4 * w * classes + classes
    module = built(ResNet9(width=w), (channels, 8, 8), classes)
    assert sum(weight.numel() for weight in module.parameters()) == expected
    assert not list(module.buffers())


def test_the_default_has_2_4_million_weights():
    module = built(ResNet9(), (3, 32, 32), 10)
    assert sum(weight.numel() for weight in module.parameters()) == 2_440_266


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
    module, x = built(shape=(3, 17, 19)), images(4, (3, 17, 19))
    with torch.no_grad():
        for weight in module.parameters():  # GroupNorm starts as ones and zeros
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.manual_seed(1)))
        torch.testing.assert_close(module(x), slow_forward(module, x, 2), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_examples_do_not_mix_while_training():
    module, x = built().train(), images(6)
    logits = module(x)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(module(x[order]), logits[order])
    torch.testing.assert_close(torch.cat([module(image[None]) for image in x]), logits)
    changed = x.clone()
    changed[2] += 1
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(module(changed)[others], logits[others])
    assert not torch.allclose(module(changed)[2], logits[2])


def test_a_population_learns_and_fits_its_training_set():
    """Random labels of noise: only what is learned by heart is right."""
    x = images(48)
    y = torch.from_numpy(np.random.default_rng(1).integers(0, 3, 48))
    index = np.stack([np.random.default_rng(seed).permutation(48)[:24] for seed in range(2)])
    recipe = Recipe("sgd", 0.1, 0.9, 5e-4, 25, 8)
    sets = TrainingSets.shared(x, y, index)
    logits = train_population(lambda: TINY.build((3, 9, 8), 3), sets, recipe, [1, 2]).predict(x)
    for i in range(2):
        right = logits[i].argmax(1) == y.numpy()
        members = np.isin(np.arange(48), index[i])
        assert right[members].mean() > 0.9
        assert right[~members].mean() < 0.7


def test_stacked_models_learn_what_each_learns_alone():
    x, y = images(20), torch.arange(20) % 3
    index = np.stack([np.random.default_rng(seed).permutation(20)[:11] for seed in range(3)])
    found = [
        train_population(
            lambda: TINY.build((3, 9, 8), 3),
            TrainingSets.shared(x, y, index),
            Recipe("sgd", 0.05, 0.9, 5e-4, 2, 4),
            [1, 2, 3],
            strategy=strategy,
        )
        for strategy in ("batched", "sequential")
    ]
    for name, stacked in found[0].params.items():
        torch.testing.assert_close(stacked, found[1].params[name], atol=1e-4, rtol=1e-3)
