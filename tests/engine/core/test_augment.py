"""Augmentation against a slow loop: flip an image, pad it with np.pad, cut out a window."""

import numpy as np
import pytest
import torch

from privbench.engine import Augmentation

BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))
KINDS = [
    Augmentation(True, 4),
    Augmentation(True, 0),
    Augmentation(False, 2),
    Augmentation(True, 1),
]


def slow(augmentation, image, flip, down, right):
    """One image (channels, height, width)."""
    crop, (_, height, width) = augmentation.crop, image.shape
    if augmentation.flip and flip < 0.5:
        image = image[:, :, ::-1]
    padded = np.pad(image, [(0, 0), (crop, crop), (crop, crop)], mode="reflect")
    top, left = (int(np.floor(u * np.float32(2 * crop + 1))) for u in (down, right))
    return padded[:, top : top + height, left : left + width]


def images(*shape, seed=0):
    rng = np.random.default_rng(seed)
    uniform = rng.random((*shape[:-3], 3), dtype=np.float32)
    return torch.from_numpy(rng.random(shape, dtype=np.float32)), torch.from_numpy(uniform)


@pytest.mark.parametrize("augmentation", KINDS, ids=str)
@pytest.mark.parametrize("shape", [(60, 3, 6, 9), (5, 7, 1, 8, 5), (2, 2, 3, 2, 7, 7)], ids=str)
def test_it_is_flip_pad_and_crop(augmentation, shape):
    x, uniform = images(*shape)
    found = augmentation(x, uniform).numpy().reshape(-1, *shape[-3:])
    each = zip(x.numpy().reshape(-1, *shape[-3:]), uniform.numpy().reshape(-1, 3), strict=True)
    expected = np.stack([slow(augmentation, image, *own) for image, own in each])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("crop", [1, 2, 4, 7])
def test_every_shift_is_equally_likely_and_none_is_too_far(crop):
    """A picture of its own coordinates says where it was cut; also for the largest float32 below 1."""
    side, n = 9, 2 * crop + 1
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    steps = (torch.arange(40 * n) + 0.5) / (40 * n)
    ends = torch.tensor([0.0, float(BELOW_ONE)])
    down = torch.cat([steps, ends])
    uniform = torch.stack([torch.ones_like(down), down, down.flip(0)], 1)
    x = torch.stack([rows, columns]).expand(len(down), 2, side, side)
    found = Augmentation(False, crop)(x, uniform)
    middle = side // 2
    moved = [(found[:, 0, middle, 0]), (found[:, 1, 0, middle])]
    reflected = np.pad(np.arange(side), crop, mode="reflect")[middle : middle + n]
    for places, order in zip(moved, (slice(None), slice(None, None, -1)), strict=True):
        places = places.numpy()[order]
        np.testing.assert_array_equal(places[: 40 * n], np.repeat(reflected, 40))
    assert moved[0][-2:].tolist() == [reflected[0], reflected[-1]]


def test_half_of_the_images_are_flipped():
    x = torch.arange(4.0).view(1, 1, 1, 4).expand(1000, 1, 1, 4)
    uniform = torch.from_numpy(np.random.default_rng(0).random((1000, 3), dtype=np.float32))
    flipped = Augmentation(True, 0)(x, uniform)[:, 0, 0, 0] == 3
    assert torch.equal(flipped, uniform[:, 0] < 0.5)
    assert 450 < flipped.sum() < 550


def test_stacked_models_get_what_each_gets_alone():
    augmentation = Augmentation(True, 3)
    x, uniform = images(4, 6, 3, 8, 8)
    together = augmentation(x, uniform)
    alone = torch.stack([augmentation(x[i], uniform[i]) for i in range(4)])
    one_by_one = torch.stack([augmentation(x[i, j][None], uniform[i, j][None])[0]
                              for i in range(4) for j in range(6)])  # fmt: skip
    assert torch.equal(together, alone)
    assert torch.equal(together.flatten(0, 1), one_by_one)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8])
def test_type_and_input_are_kept(dtype):
    x, uniform = images(5, 3, 8, 8)
    x = (100 * x).to(dtype)
    before = x.clone()
    found = Augmentation(True, 4)(x, uniform)
    assert found.dtype == dtype
    assert found.shape == x.shape
    assert torch.equal(x, before)
    assert not torch.equal(found, before)


def test_the_layout_in_memory_does_not_matter():
    x, uniform = images(5, 3, 8, 8)
    augmentation = Augmentation(True, 4)
    other = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(augmentation(x, uniform), augmentation(other, uniform))


def test_nothing_to_do_is_nothing_done():
    x, uniform = images(5, 3, 8, 8)
    assert Augmentation(False, 0)(x, uniform) is x
    assert Augmentation.draws == 3


def test_a_negative_crop_is_named():
    with pytest.raises(ValueError, match=r"crop: -1 is out of bounds"):
        Augmentation(True, -1)


@pytest.mark.parametrize(
    ("x", "uniform"),
    [((5, 3, 8, 8), (5, 2)), ((5, 3, 8, 8), (4, 3)), ((5, 64), (3,)), ((3, 8, 8), (3,))],
)
def test_shapes_that_do_not_fit_are_named(x, uniform):
    with pytest.raises(ValueError, match=r"uniform: got shape"):
        Augmentation(True, 1)(torch.zeros(x), torch.zeros(uniform))


def test_images_no_larger_than_the_shift_are_named():
    """A reflection has no more pixels to give."""
    x, uniform = images(2, 1, 4, 6)
    Augmentation(True, 3)(x, uniform)
    with pytest.raises(ValueError, match=r"crop: 4 pixels are too many for images of 4x6"):
        Augmentation(True, 4)(x, uniform)
