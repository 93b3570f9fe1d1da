import gzip
import random

import pytest

from privbench.datasets.reading import read_archive, read_file
from privbench.errors import DataError

NOISE = random.Random(0).randbytes(50_000)  # does not compress, so a cut falls into the data


def test_plain_and_gz_files_have_the_same_content(tmp_path):
    (tmp_path / "a").write_bytes(NOISE)
    (tmp_path / "a.gz").write_bytes(gzip.compress(NOISE))
    assert read_file(tmp_path / "a").data == read_file(tmp_path / "a.gz").data == NOISE
    assert read_file(tmp_path / "a.gz").where == str(tmp_path / "a.gz")


def test_members_are_found_in_any_folder_and_order(write_tar, tmp_path):
    members = {"./x/b.bin": b"bb", "x/readme": b"no", "x/a.bin": NOISE}
    path = write_tar(tmp_path / "some.tgz", members)
    found = read_archive(path, ["a.bin", "b.bin"])
    assert {name: content.data for name, content in found.items()} == {
        "a.bin": NOISE,
        "b.bin": b"bb",
    }
    assert found["a.bin"].where == f"{path}, member x/a.bin"


def test_absent_members_are_named(write_tar, tmp_path):
    path = write_tar(tmp_path / "some.tgz", {"a.bin": b"aa"})
    with pytest.raises(DataError, match=r"some\.tgz: the archive has no member b\.bin, c\.bin"):
        read_archive(path, ["c.bin", "a.bin", "b.bin"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:5000] + bytes(2000) + data[7000:],
        lambda data: b"<html>not found</html>",
        lambda data: b"",
    ],
    ids=["truncated", "altered", "other", "empty"],
)
def test_damaged_files_are_data_errors(write_tar, tmp_path, damage):
    gz = tmp_path / "a.gz"
    gz.write_bytes(damage(gzip.compress(NOISE)))
    tar = write_tar(tmp_path / "a.tgz", {"a.bin": NOISE})
    tar.write_bytes(damage(tar.read_bytes()))
    if gz.stat().st_size:  # an empty file is a valid gzip file
        with pytest.raises(DataError, match=r"a\.gz: cannot be read .*delete it"):
            read_file(gz)
    with pytest.raises(DataError, match=r"a\.tgz: cannot be read .*delete it"):
        read_archive(tar, ["a.bin"])
