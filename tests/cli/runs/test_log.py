"""``privbench runs log``."""

import json

import pytest

from privbench.logs.run import log_path

from ..helpers import printed, refused

RECORDS = [
    {"time": "2026-01-01T00:00:00.000+00:00", "level": "info", "message": "run 1 begins",
     "versions": {"libraries": {"torch": "2.0"}}, "command": "privbench run b"},
    {"time": "2026-01-01T00:00:01.000+00:00", "level": "debug", "stage": "scores a", "message": "ok",
     "seconds": 1.25},
    {"time": "2026-01-01T00:00:02.000+00:00", "level": "error", "stage": "scores b", "plugin": "p",
     "message": "failed: \x1b[2J\n\u202eno", "traceback": "Traceback:\n  here\x1b[2J"},
]  # fmt: skip


@pytest.fixture
def logged(add, tmp_path):
    """A run with a log; its path."""
    run = add()
    path = log_path(tmp_path / "results", run)
    path.parent.mkdir()
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return path


def test_all_of_it(cli, logged):
    result = cli("runs", "log", "1")
    assert result.exit_code == 0
    assert result.stdout == (
        "2026-01-01T00:00:00.000 info     run 1 begins\n"
        "    command: privbench run b\n"
        "    versions.libraries.torch: 2.0\n"
        "2026-01-01T00:00:01.000 debug    scores a: ok (1.25 s)\n"
        "2026-01-01T00:00:02.000 error    scores b, p: failed: \\x1b[2J \\u202eno\n"
        "    Traceback:\n"
        "      here\\x1b[2J\n"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--level", "warning"], [2]),
        (["--stage", "SCORES"], [1, 2]),
        (["--stage", "scores a"], [1]),
        (["--stage", "scores c"], []),
        (["--level", "info", "--follow"], [0, 2]),
    ],
)
def test_a_part_of_it(cli, logged, options, expected):
    result = cli("runs", "log", "b", *options, "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == [RECORDS[i] for i in expected]


def test_there_is_no_log(cli, add, tmp_path):
    add()
    refused(cli("runs", "log", "1"), "run 1 has no log", "older privbench")
    refused(cli("runs", "log", "1", "--follow"), "run 1 has no log")
    refused(cli("runs", "log", "7"), "ID 7")
    refused(cli("runs", "log"), "ID is missing")
    refused(cli("runs", "log", "1", "--level", "warn"), "did you mean 'warning'?")
    log_path(tmp_path / "results", 1).mkdir(parents=True)
    refused(cli("runs", "log", "1"), "Is a directory")


def test_show_names_it_and_delete_deletes_it(cli, logged, monkeypatch):
    assert f"results/logs/{logged.name}" in cli("runs", "show", "1").stdout
    assert printed(cli("runs", "show", "1", "--json"))["log"] == "results/logs/1.jsonl"
    cli("runs", "delete", "1", "--yes")
    assert not logged.exists()


def test_a_run_without_a_log(cli, add):
    add()
    assert "log" not in cli("runs", "show", "1").stdout
    assert printed(cli("runs", "show", "1", "--json"))["log"] is None
    assert cli("runs", "delete", "1", "--yes").exit_code == 0
