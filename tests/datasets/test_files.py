import gzip
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from privbench.data import Data, DataSpec
from privbench.datasets.files import FileDataset, RemoteFile
from privbench.errors import DatasetUnavailable

DOWNLOADS = {"/x.gz": gzip.compress(b"\1\2\3", mtime=0), "/y": b"\0\1\0"}


@pytest.fixture
def tiny(server, folders):
    """A dataset of two files that the server has."""
    server.files |= DOWNLOADS

    class Tiny(FileDataset):
        """Three records."""

        name = "tiny"
        folder = "tiny-files"

        def files(self):
            return tuple(
                RemoteFile(
                    path.strip("/").removesuffix(".gz"),
                    server.url + path,
                    f"sha256:{hashlib.sha256(body).hexdigest()}",
                )
                for path, body in DOWNLOADS.items()
            )

        def decode(self, contents):
            x, y = (np.frombuffer(content.data, np.uint8) for content in contents)
            spec = DataSpec("tabular", (1,), n_classes=2)
            return Data(x[:, None].astype(np.float32), y.astype(np.int64), spec)

    return Tiny()


def test_first_load_downloads_and_the_second_does_not(tiny, server, folders):
    assert tiny.to_download() == f"would download {server.url}/x.gz, {server.url}/y"
    assert server.requests.total() == 0
    for _ in range(2):
        data = tiny.load()
        assert data.x.tolist() == [[1], [2], [3]]
        assert data.y.tolist() == [0, 1, 0]
    assert server.requests == {"/x.gz": 1, "/y": 1}
    assert tiny.to_download() == ""
    _, cache = folders
    assert sorted(tiny.fetch()) == [cache / "tiny-files" / "x.gz", cache / "tiny-files" / "y"]
    assert server.requests.total() == 2


@pytest.mark.parametrize("form", ["x", "x.gz"])
def test_placed_files_come_first_and_need_no_checksum(tiny, server, folders, form):
    tiny.fetch()
    body = b"\7\7\7"
    place = folders[0] / "tiny-files" / form
    place.parent.mkdir()
    place.write_bytes(gzip.compress(body) if form.endswith(".gz") else body)
    assert tiny.load().x.tolist() == [[7], [7], [7]]
    assert place in tiny.fetch()
    assert tiny.locations()[0] == place.parent


def test_only_what_is_missing_is_downloaded(tiny, server, folders):
    (folders[0] / "tiny-files").mkdir()
    (folders[0] / "tiny-files" / "x").write_bytes(b"\1\2\3")
    assert tiny.to_download() == f"would download {server.url}/y"
    tiny.load()
    assert server.requests == {"/y": 1}
    assert [path.name for path in (folders[0] / "tiny-files").iterdir()] == ["x"]


def test_without_the_variable_only_the_cache_is_searched(tiny, folders, monkeypatch):
    monkeypatch.setenv("PRIVBENCH_DATA_DIR", "")
    assert tiny.locations() == (folders[1] / "tiny-files",)
    monkeypatch.delenv("PRIVBENCH_DATA_DIR")
    assert tiny.locations() == (folders[1] / "tiny-files",)


def test_home_is_expanded(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PRIVBENCH_DATA_DIR", "~/sets")
    assert tiny.locations()[0] == tmp_path / "sets" / "tiny-files"


def test_wrong_checksum_is_an_error_and_the_file_is_not_used(tiny, server, folders):
    server.files["/y"] = b"\0\0\0"
    with pytest.raises(DatasetUnavailable, match="does not match the known hash"):
        tiny.load()
    names = sorted(path.name for path in (folders[1] / "tiny-files").iterdir())
    assert names == ["x.gz", "y.refused"]
    assert tiny.to_download() == f"would download {server.url}/y"


def test_file_that_the_server_does_not_have(tiny, server):
    del server.files["/y"]
    with pytest.raises(DatasetUnavailable, match="404"):
        tiny.fetch()


def test_message_when_the_server_is_down(tiny, server, folders):
    server.stop()
    with pytest.raises(DatasetUnavailable) as caught:
        tiny.load()
    data, cache = folders
    assert str(caught.value).splitlines() == [
        f"its files are missing, and the download of {server.url}/x.gz failed: [Errno 111]"
        " Connection refused;",
        "  missing: x, y;",
        f"  looked in: {data}/tiny-files (no such folder), {cache}/tiny-files (no such folder).",
        "Set PRIVBENCH_DATA_DIR to a folder whose subfolder 'tiny-files' has these files, plain or"
        " as .gz, or try again with a network connection",
    ]


def test_cache_folder_that_cannot_be_made(tiny, folders):
    folders[1].parent.parent.write_text("a file where a folder should be")
    with pytest.raises(DatasetUnavailable, match="its files are missing"):
        tiny.load()


class Archived(FileDataset):
    """Two members of one archive."""

    name = "archived"
    folder = "archived"

    def files(self):
        return tuple(
            RemoteFile(name, "http://127.0.0.1:9/all.tgz", "md5:0", archived=True)
            for name in ("a.bin", "b.bin")
        )

    def decode(self, contents):
        y = np.array([content.data[0] for content in contents], np.int64)
        return Data(y[:, None].astype(np.float32), y, DataSpec("tabular", (1,), n_classes=2))


def test_members_come_from_the_archive_or_from_loose_files(write_tar, folders):
    place = folders[0] / "archived"
    place.mkdir()
    assert Archived().to_download() == "would download http://127.0.0.1:9/all.tgz"
    write_tar(place / "all.tgz", {"all/b.bin": b"\1", "all/a.bin": b"\0"})
    assert Archived().load().y.tolist() == [0, 1]
    assert Archived().fetch() == [place / "all.tgz"]
    (place / "a.bin").write_bytes(b"\5")
    assert Archived().load().y.tolist() == [5, 1]
    (place / "b.bin.gz").write_bytes(gzip.compress(b"\6"))
    (place / "all.tgz").unlink()
    assert Archived().load().y.tolist() == [5, 6]
    assert Archived().to_download() == ""


def test_importing_the_datasets_imports_no_heavy_package():
    code = (
        "import sys; import privbench.datasets as d, importlib, pkgutil\n"
        "for m in pkgutil.iter_modules(d.__path__): importlib.import_module(f'{d.__name__}.{m.name}')\n"
        "print(sorted({'torch','sklearn','pandas','filelock','tqdm','requests'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
