"""ResNet-9 on images of many sizes; populations of it learn."""

import numpy as np
import pytest
import torch

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
def test_images_of_many_sizes_have_logits(shape, classes):
    logits = built(shape=shape, classes=classes)(images(2, shape))
    assert logits.shape == (2, classes)
    assert logits.isfinite().all()


def test_groups_divide_the_width():
    with pytest.raises(
        ValueError, match=r"does not divide width, which is 12 \(allowed: 1, 2, 3, 4, "
    ):
        ResNet9(width=12, groups=5)


def test_the_default_has_2_4_million_weights():
    module = built(ResNet9(), (3, 32, 32), 10)
    assert sum(weight.numel() for weight in module.parameters()) == 2_440_266


def test_a_population_learns_and_fits_its_training_set():
    """With random labels, only memorised records are classified correctly."""
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
