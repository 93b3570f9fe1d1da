import hashlib

import pytest

from .helpers import printed, refused

BODY = b"\1\2\3"


@pytest.fixture
def tiny(plugin, server, folders):
    """A plugin with the data set ``tiny``: one file, which the server has."""
    server.files["/t.bin"] = BODY
    return plugin(
        f"""
        class Tiny(privbench.FileDataset):
            '''Three bytes.'''
            name = "tiny"
            folder = "tiny-files"

            def files(self):
                checksum = "sha256:{hashlib.sha256(BODY).hexdigest()}"
                return (privbench.RemoteFile("t.bin", "{server.url}/t.bin", checksum),)

            def decode(self, contents): ...

        @hookimpl
        def register_datasets(register):
            register(Tiny)
        """,
        "tiny.py",
    )


@pytest.fixture
def line(cli):
    """What ``data list`` says of one data set: its status and the details."""

    def line(name, *arguments):
        lines = printed(cli("data", "list", "--json", *arguments))
        (found,) = [line for line in lines if line["name"] == name]
        return found["status"], found["details"]

    return line


def test_what_needs_no_download(line):
    assert line("digits") == ("here", "needs no download")
    assert line("csv") == ("yours", "reads a file of your own")
    assert line("npz") == ("yours", "reads a file of your own")


def test_what_would_be_downloaded(line, folders):
    status, details = line("mnist")
    assert status == "missing"
    assert details.startswith("would download https://")
    assert "train-images-idx3-ubyte.gz" in details


def test_fetch_downloads_once(cli, line, tiny, server, folders):
    _, cache = folders
    assert line("tiny", "-p", tiny) == ("missing", f"would download {server.url}/t.bin")
    for _ in range(2):
        result = cli("data", "fetch", "tiny", "-p", tiny)
        assert result.exit_code == 0
        assert result.stdout == f"{cache / 'tiny-files' / 't.bin'}\n"
    assert server.requests == {"/t.bin": 1}
    assert line("tiny", "-p", tiny) == ("here", str(cache / "tiny-files"))


def test_placed_files_are_found(cli, line, tiny, server, folders):
    place = folders[0] / "tiny-files"
    place.mkdir()
    (place / "t.bin").write_bytes(b"other")
    assert line("tiny", "-p", tiny) == ("here", str(place))
    assert cli("data", "fetch", "tiny", "-p", tiny).stdout == f"{place / 't.bin'}\n"
    assert server.requests.total() == 0


@pytest.mark.parametrize("body", [None, b"\1\2\4"], ids=["not there", "wrong checksum"])
def test_a_failed_download(cli, tiny, server, folders, body):
    server.files["/t.bin"] = body
    result = cli("data", "fetch", "tiny", "-p", tiny)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: dataset 'tiny': its files are missing, and the download of" in result.stderr
    assert result.stderr.count("dataset 'tiny'") == 1
    assert "PRIVBENCH_DATA_DIR" in result.stderr
    assert "Traceback" not in result.stderr
    assert "privbench data fetch" not in result.stderr  # which has just failed
    kept = [path.name for path in (folders[1] / "tiny-files").glob("*")]
    assert kept == ([] if body is None else ["t.bin.refused"])


@pytest.mark.parametrize("name", ["digits", "csv"])
def test_nothing_to_fetch(cli, name):
    result = cli("data", "fetch", name)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{name} needs no download" in result.stderr


def test_an_unknown_name(cli):
    refused(cli("data", "fetch", "dgits"), "'dgits'", "did you mean 'digits'?", "allowed: adult")


def test_text(cli):
    result = cli("data", "list")
    assert result.exit_code == 0
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert lines[0] == ["name", "status", "details"]
    assert ["digits", "here", "needs no download"] in lines


def test_a_dataset_that_breaks_is_listed_with_the_others(line, plugin):
    path = plugin(
        """
        class Mine(privbench.Dataset):
            '''Mine.'''
            name = "mine"

            def load(self): ...

            def to_download(self):
                raise OSError("the disk is gone")

        @hookimpl
        def register_datasets(register):
            register(Mine)
        """
    )
    assert line("mine", "-p", path) == ("failed", "OSError: the disk is gone")
    assert line("digits", "-p", path)[0] == "here"
