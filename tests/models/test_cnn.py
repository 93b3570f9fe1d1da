"""The convolutional network against SciPy, and the images that it supports."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from privbench.data import DataSpec
from privbench.models.cnn import Cnn

from .arithmetic import CLASSES, built, logits_of, records, relu, shapes_of, weights_of


def slow_layer(image, kernels, biases):
    """Convolution that keeps the size, ReLU, and the maximum of each 2x2 square, a filter at a time."""
    planes = []
    for kernel, bias in zip(kernels, biases, strict=True):
        pairs = zip(image, kernel, strict=True)
        plane = relu(sum(correlate2d(c, k, mode="same") for c, k in pairs) + bias)
        height, width = (side // 2 for side in plane.shape)
        squares = plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        planes.append(squares.max(axis=(1, 3)))
    return np.stack(planes)


def test_cnn_is_two_convolutions_and_a_linear_layer():
    module, x = built(Cnn(channels=3)), records()
    k1, b1, k2, b2, w, b = weights_of(module)
    expected = [w @ slow_layer(slow_layer(image, k1, b1), k2, b2).ravel() + b for image in x]
    np.testing.assert_allclose(logits_of(module, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "flat"), [((1, 4, 4), 1), ((3, 7, 8), 2), ((1, 28, 28), 49), ((3, 4, 13), 3)]
)
@pytest.mark.parametrize("channels", [1, 16])
def test_sizes_of_cnn(shape, flat, channels):
    double = 2 * channels
    module = built(Cnn(channels=channels), shape)
    assert shapes_of(module) == [
        (channels, shape[0], 3, 3),
        (channels,),
        (double, channels, 3, 3),
        (double,),
        (CLASSES, double * flat),
        (CLASSES,),
    ]
    assert logits_of(module, records(2, shape)).shape == (2, CLASSES)


@pytest.mark.parametrize(
    ("height", "width", "runs"), [(4, 4, True), (3, 9, False), (9, 3, False), (3, 3, False)]
)
def test_cnn_skips_small_images(height, width, runs):
    """Two poolings leave nothing of three pixels."""
    reason = Cnn().skip(DataSpec("image", (3, height, width), CLASSES))
    assert reason == ("" if runs else f"cnn needs at least 4x4 pixels, got {height}x{width}")
