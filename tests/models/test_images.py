"""What models of images have in common: augmentation, and the data that they skip."""

import pytest

from privbench.data import DataSpec
from privbench.engine import Augmentation
from privbench.models.cnn import Cnn
from privbench.models.logistic import Logistic
from privbench.models.resnet9 import ResNet9

CASES = [(Cnn, "cnn", 4), (ResNet9, "resnet9", 8)]


def test_defaults_of_augmentation():
    assert Logistic().augmentation() is None
    assert Cnn().augmentation() is None
    assert ResNet9().augmentation() == Augmentation(flip=True, crop=4)


@pytest.mark.parametrize("cls", [Cnn, ResNet9])
@pytest.mark.parametrize(("flip", "crop"), [(True, 0), (False, 2), (True, 3)])
def test_augmentation_follows_from_the_parameters(cls, flip, crop):
    assert cls(flip=flip, crop=crop).augmentation() == Augmentation(flip, crop)
    assert cls(flip=False, crop=0).augmentation() is None


@pytest.mark.parametrize(("cls", "name", "min_side"), CASES)
def test_other_data_than_images_are_skipped(cls, name, min_side):
    for kind in ("tabular", "binary"):
        reason = cls().skip(DataSpec(kind, (7,), 3))
        assert reason == f"{name} needs images, and these records are {kind}"


@pytest.mark.parametrize(("cls", "name", "min_side"), CASES)
def test_small_images_are_skipped(cls, name, min_side):
    for height, width in [(min_side - 1, 99), (99, min_side - 1)]:
        reason = cls().skip(DataSpec("image", (3, height, width), 3))
        assert reason == f"{name} needs at least {min_side}x{min_side} pixels, got {height}x{width}"
    assert cls().skip(DataSpec("image", (3, min_side, min_side), 3)) == ""


@pytest.mark.parametrize(("cls", "name", "min_side"), CASES)
def test_images_smaller_than_the_crop_are_skipped(cls, name, min_side):
    for height, width in [(10, 11), (11, 10)]:
        spec = DataSpec("image", (1, height, width), 3)
        assert cls(crop=9).skip(spec) == ""
        needs = f"{name} with crop = 10 needs larger images, got {height}x{width}"
        assert cls(crop=10).skip(spec) == needs
