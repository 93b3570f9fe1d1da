import hashlib

import pytest

from privbench.datasets.download import download, root_cause

BODY = b"some data" * 1000
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"


@pytest.mark.parametrize("checksum", [SHA256, MD5])
@pytest.mark.usefixtures("folders")
def test_download_goes_into_the_folder(server, tmp_path, checksum):
    server.files["/v1/a.gz"] = BODY
    path = download(f"{server.url}/v1/a.gz", checksum, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "a.gz"
    assert path.read_bytes() == BODY
    assert [path] == list(path.parent.iterdir())


@pytest.mark.usefixtures("folders")
def test_wrong_checksum_leaves_nothing(server, tmp_path):
    server.files["/a.gz"] = BODY + b"!"
    with pytest.raises(ValueError, match="hash"):
        download(f"{server.url}/a.gz", SHA256, tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
    assert server.requests["/a.gz"] == 3


@pytest.mark.usefixtures("folders")
def test_a_failed_download_leaves_what_was_there(server, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "b.gz").write_bytes(BODY)
    with pytest.raises(OSError, match="404"):
        download(f"{server.url}/a.gz", SHA256, tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["b.gz"]


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("terminal", [True, False])
def test_progress_goes_to_a_terminal_only(server, tmp_path, monkeypatch, capsys, terminal):
    server.files["/a.gz"] = BODY
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    download(f"{server.url}/a.gz", SHA256, tmp_path)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("100%" in captured.err) == terminal


def test_the_root_cause_is_the_innermost():
    outer = OSError("max retries exceeded with url: ...")
    outer.__cause__ = ValueError("while connecting")
    outer.__cause__.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert root_cause(outer) == "[Errno 111] Connection refused"
    assert root_cause(TimeoutError()) == "TimeoutError"
