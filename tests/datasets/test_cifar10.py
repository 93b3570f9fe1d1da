import gzip

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.datasets.cifar10 import Cifar10, parse_batch
from privbench.datasets.reading import Content
from privbench.errors import DataError


class Small(Cifar10):
    """Two records a file."""

    records_per_file = 2


def record(label, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, 3072, dtype=np.uint8)
    return bytes([label]) + pixels.tobytes()


def test_bytes_are_in_the_order_channel_row_column():
    body = bytearray(3073)
    body[0] = 7
    body[1 + 2 * 1024 + 5 * 32 + 3] = 200
    images, labels = parse_batch(Content("f", bytes(body)), 1)
    assert labels.tolist() == [7]
    assert images.shape == (1, 3, 32, 32)
    assert images[0, 2, 5, 3] == 200
    assert images.sum() == 200


@pytest.fixture
def batches():
    return {
        **{f"data_batch_{i}.bin": record(i, 2 * i) + record(9, 2 * i + 1) for i in range(1, 6)},
        "test_batch.bin": record(0, 0) + record(1, 1),
    }


@pytest.mark.parametrize("train_files", [1, 2, 5])
def test_training_files_then_the_test_file(folders, write_tar, batches, train_files):
    place = folders[0] / "cifar-10-batches-bin"
    place.mkdir()
    members = {f"cifar-10-batches-bin/{name}": body for name, body in batches.items()}
    write_tar(place / "cifar-10-binary.tar.gz", members)
    data = Small(train_files=train_files).load()
    assert data.y.tolist() == [n for i in range(1, train_files + 1) for n in (i, 9)] + [0, 1]
    first = np.frombuffer(batches["data_batch_1.bin"], np.uint8)[1:3073]
    last = np.frombuffer(batches["test_batch.bin"], np.uint8)[-3072:]
    assert (np.rint(data.x[0].ravel() * 255) == first).all()
    assert (np.rint(data.x[-1].ravel() * 255) == last).all()
    assert (data.spec.kind, data.spec.shape, data.spec.n_classes) == ("image", (3, 32, 32), 10)


def test_loose_files_are_enough(folders, batches):
    place = folders[0] / "cifar-10-batches-bin"
    place.mkdir()
    (place / "data_batch_1.bin.gz").write_bytes(gzip.compress(batches["data_batch_1.bin"]))
    (place / "test_batch.bin").write_bytes(batches["test_batch.bin"])
    assert Small(train_files=1).load().y.tolist() == [1, 9, 0, 1]
    assert "cifar-10-binary.tar.gz" in Small(train_files=2).to_download()


def test_wrong_contents():
    with pytest.raises(DataError, match="f: found 6145 bytes, expected 2 records of 3073 bytes"):
        parse_batch(Content("f", bytes(2 * 3073 - 1)), 2)
    with pytest.raises(DataError, match="f: found label 10, expected labels 0 to 9"):
        parse_batch(Content("f", record(3, 0) + record(10, 0)), 2)


@pytest.mark.parametrize("train_files", [0, 6])
def test_bounds(train_files):
    with pytest.raises(ValidationError, match="train_files"):
        Cifar10(train_files=train_files)


def test_real_files(real):
    data = real(Cifar10(train_files=1))
    assert data.x.shape == (20_000, 3, 32, 32)
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert data.y[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert np.bincount(data.y[10_000:]).tolist() == [1000] * 10
    assert data.y[10_000:10_005].tolist() == [3, 8, 8, 0, 6]
    means = data.x[:10_000].mean(axis=(0, 2, 3))  # red, green, blue, as everybody normalises
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-3)
