import gzip
import struct

import numpy as np
import pytest

from privbench.datasets.idx import FILES, IdxDataset, parse_idx
from privbench.datasets.reading import Content
from privbench.errors import DataError


def idx(array, kind=8):
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


class Small(IdxDataset):
    """Three training records and one test record."""

    name = "small"
    folder = "small"
    base_url = "http://127.0.0.1:9"
    checksums = ("1", "2", "3", "4")
    records = (3, 1)
    class_counts = (1, 0, 0, 0, 0, 0, 0, 0, 1, 2)


IMAGES = np.random.default_rng(0).integers(0, 256, (4, 28, 28))
LABELS = np.array([9, 0, 9, 8])


@pytest.fixture
def place(folders):
    """The folder with the four small files, half of them compressed."""
    place = folders[0] / "small"
    place.mkdir()
    for i, array in enumerate([IMAGES[:3], LABELS[:3], IMAGES[3:], LABELS[3:]]):
        if i % 2:
            (place / FILES[i]).write_bytes(idx(array))
        else:
            (place / f"{FILES[i]}.gz").write_bytes(gzip.compress(idx(array)))
    return place


@pytest.mark.usefixtures("place")
def test_training_records_then_test_records():
    data = Small().load()
    assert (np.rint(data.x[:, 0] * 255) == IMAGES).all()
    assert data.y.tolist() == LABELS.tolist()
    assert (data.spec.kind, data.spec.shape, data.spec.n_classes) == ("image", (1, 28, 28), 10)


def test_files_of_another_dataset_are_refused(place):
    (place / FILES[1]).write_bytes(idx(np.array([9, 0, 8])))
    with pytest.raises(
        DataError, match=r"train-labels.*found \(1, .* 2, 1\).*small has \(1, .*2\)"
    ):
        Small().load()


def test_a_wrong_number_of_records(place):
    (place / FILES[3]).write_bytes(idx(np.array([8, 8])))
    message = r"small.t10k-labels-idx1-ubyte: found .*shape \(2,\), expected .*shape \(1,\)"
    with pytest.raises(DataError, match=message):
        Small().load()


def test_parse_idx_order_is_row_major():
    array = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    assert (parse_idx(Content("f", idx(array)), (2, 3, 4)) == array).all()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "not an IDX file"),
        (b"<html>", "not an IDX file"),
        (idx(np.zeros((2, 2)))[:10], "not an IDX file"),
        (idx(np.zeros((2, 2)), kind=0x0D), r"type 0x0d, shape \(2, 2\)"),
        (idx(np.zeros((2, 3))), r"type 0x08, shape \(2, 3\)"),
        (idx(np.zeros((2, 2)))[:-1], "3 bytes after the header, expected 4"),
        (idx(np.zeros((2, 2))) + b"\0", "5 bytes after the header, expected 4"),
    ],
)
def test_wrong_files_name_what_was_found(data, found):
    with pytest.raises(DataError, match=f"some-file: found .*{found}"):
        parse_idx(Content("some-file", data), (2, 2))
