import numpy as np
from sklearn.datasets import load_digits

from privbench.data import DataSpec
from privbench.datasets.digits import Digits


def test_digits():
    data = Digits().load()
    assert data.spec == DataSpec("image", (1, 8, 8), n_classes=10)
    assert data.x.shape == (1797, 1, 8, 8)
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    flat, labels = load_digits(return_X_y=True)
    assert (data.x.reshape(1797, 64) * 16 == flat).all()
    assert (data.y == labels).all()
    assert Digits().to_download() == ""
