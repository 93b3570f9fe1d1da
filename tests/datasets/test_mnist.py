import numpy as np
import pytest

from privbench.datasets.mnist import FashionMnist, Mnist


@pytest.fixture(scope="module")
def mnist(real):
    return real(Mnist())


def test_mnist(mnist):
    assert mnist.x.shape == (70_000, 1, 28, 28)
    assert mnist.x.dtype == np.float32
    assert (mnist.x.min(), mnist.x.max()) == (0, 1)
    assert mnist.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.y[60_000:60_010].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist.x[:60_000].mean() == pytest.approx(0.1307, abs=5e-5)  # as everybody normalises
    assert mnist.x[:60_000].std() == pytest.approx(0.3081, abs=5e-5)


def test_ones_are_upright(mnist):
    """Rows are not columns: a one is taller than it is wide."""
    ones = mnist.x[mnist.y == 1, 0].mean(axis=0)
    position = np.arange(28) - 13.5
    assert ones.sum(axis=1) @ position**2 > 3 * (ones.sum(axis=0) @ position**2)


def test_fashion_mnist(real):
    data = real(FashionMnist())
    assert data.x.shape == (70_000, 1, 28, 28)
    assert np.bincount(data.y).tolist() == [7000] * 10
    assert data.x.mean() == pytest.approx(0.2861, abs=5e-4)
    assert (data.x.min(), data.x.max()) == (0, 1)


def test_downloads_are_the_canonical_files():
    for cls, host in [(Mnist, "ossci-datasets"), (FashionMnist, "fashion-mnist.s3-website")]:
        files = cls().files()
        assert len({file.checksum for file in files}) == 4
        assert all(host in file.url and file.url.endswith(f"/{file.name}.gz") for file in files)
