"""Files of strangers on the command line: a message and status 2, never a traceback."""

import json
import os

import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.leaderboard.submissions.consistency import form_problems
from privbench.leaderboard.submissions.reading import MAX_BYTES, MAX_DEPTH
from privbench.plugins.host import PluginHost
from tests.cli.helpers import refused


def verify(path):
    group = build_cli(PluginHost(installed=False))
    return CliRunner().invoke(group, ["leaderboard", "verify", str(path)])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"format": NaN}', "NaN is no number of JSON"),
        (b'{"format": -Infinity}', "-Infinity is no number of JSON"),
        (b'{"format": 1e999}', "too large for a number"),
        (b'{"format": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a": {"b": 1, "b": 2}}', "key 'b' is there twice"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\\ud800"}', "UTF-8"),
        (b"", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), f"allowed: {MAX_DEPTH} levels"),
        (b"[1, 2]", "allowed"),
        (b"null", "allowed"),
        (b'{"format": 1}', "required"),
    ],
)
def test_what_is_no_submission(tmp_path, raw, words):
    (tmp_path / "a.json").write_bytes(raw)
    refused(verify(tmp_path / "a.json"), "error:", words)


def test_a_file_that_is_too_large_is_not_read_as_a_whole(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(MAX_BYTES * 1000)  # sparse: it takes no room on the disk
    refused(verify(tmp_path / "a.json"), "too large", f"{MAX_BYTES // 2**20} MiB")


def test_links_folders_and_pipes(folder, tmp_path):
    (tmp_path / "link.json").symlink_to(folder / "a.json")
    refused(verify(tmp_path / "link.json"), "a symbolic link")
    refused(verify(tmp_path), "not a regular file")
    os.mkfifo(tmp_path / "pipe.json")
    refused(verify(tmp_path / "pipe.json"), "not a regular file")


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", ".x", "", "a\n", "x" * 81, "ä"])
def test_names_that_leave_the_folder(content, name):
    content["submission"]["about"]["name"] = name
    assert any("about.name" in problem for problem in form_problems(content, "submission"))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/x", 'https://a"b', "https://a\n"]
)
def test_addresses_that_run_something(content, url):
    content["submission"]["about"]["paper"] = url
    assert any("about.paper" in problem for problem in form_problems(content, "submission"))


def test_messages_of_hostile_values_are_short_and_printable(content, sign, tmp_path):
    content["rows"][0]["attack"] = "\x1b[2J" * 100
    (tmp_path / "a.json").write_text(json.dumps(sign(content)))
    result = verify(tmp_path / "a.json")
    refused(result, "rows[0]")
    assert "\x1b" not in result.stderr
    assert max(map(len, result.stderr.splitlines())) < 1000
