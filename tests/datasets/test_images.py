import numpy as np

from privbench.data import DataSpec
from privbench.datasets.images import image_data


def test_images_are_scaled_and_keep_their_shape():
    pixels = np.array([0, 51, 255, 102, 204, 153], np.uint8).reshape(1, 1, 2, 3)
    data = image_data(pixels, np.array([4], np.uint8), n_classes=5)
    assert data.x.ravel().tolist() == [np.float32(v) for v in (0, 0.2, 1, 0.4, 0.8, 0.6)]
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.spec == DataSpec("image", (1, 2, 3), n_classes=5)


def test_white_is_one():
    data = image_data(np.array([16.0, 4.0]).reshape(2, 1, 1, 1), np.array([0, 1]), 2, white=16)
    assert data.x.ravel().tolist() == [1, 0.25]
