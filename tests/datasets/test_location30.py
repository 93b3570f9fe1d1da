import io
import tarfile

import numpy as np
import pytest

from privbench.data import DataSpec
from privbench.datasets.location30 import Location30, parse_location
from privbench.datasets.reading import Content
from privbench.errors import DataError


def line(label, ones=(), features=446):
    return ",".join([f'"{label}"', *("1" if i in ones else "0" for i in range(features))]) + "\n"


def content(*lines):
    return Content("some-file", "".join(lines).encode())


def test_labels_start_at_zero_and_features_keep_their_order():
    x, y = parse_location(content(line(30, ones=[0, 445]), line(1, ones=[7])))
    assert y.tolist() == [29, 0]
    assert [np.flatnonzero(row).tolist() for row in x] == [[0, 445], [7]]


def test_other_ways_to_write_the_same():
    """With spaces or without quotes, by pandas; in the usual form without it."""
    usual = content(line(30, ones=[0, 445]), line(7))
    other = Content("some-file", usual.data.replace(b'"', b"").replace(b",", b", "))
    for ours, theirs in zip(parse_location(usual), parse_location(other), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], "text that cannot be parsed"),
        (["<html>\n"], "text that cannot be parsed"),
        ([line(1), line(2, features=445)], "text that cannot be parsed"),
        ([line(1, features=600)], "600 features"),
        ([line(1).replace(",0\n", ",2\n")], "features other than 0 and 1"),
        ([line(1).replace(",0\n", ",x\n")], "text that cannot be parsed"),
        ([line(1), line(2).replace(",0,0\n", ";0,0\n")], "text that cannot be parsed"),
        ([line(1), line(31)], "labels 1 to 31"),
        ([line(0), line(3)], "labels 0 to 3"),
    ],
)
def test_wrong_contents(lines, found):
    with pytest.raises(DataError, match=rf"some-file: found {found}.*, expected lines of a label"):
        parse_location(content(*lines))


def test_wrong_number_of_records():
    with pytest.raises(DataError, match="some-file: found 2 records, expected 5010"):
        Location30().decode([content(line(1), line(2))])


def test_real_file(real):
    data = real(Location30())
    assert data.spec == DataSpec("binary", (446,), n_classes=30)
    assert data.x.shape == (5010, 446)
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    counts = np.bincount(data.y, minlength=30)
    assert (counts.sum(), counts.min(), counts.max()) == (5010, 97, 308)
    (path,) = Location30().fetch()
    if path.suffix == ".tgz":
        with tarfile.open(path) as archive:
            raw = io.TextIOWrapper(archive.extractfile("bangkok")).read().split()
        for i in (0, 1234, 5009):
            label, *features = raw[i].split(",")
            assert int(label.strip('"')) == data.y[i] + 1
            assert [float(value) for value in features] == data.x[i].tolist()
