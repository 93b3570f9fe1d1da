"""Commands on a terminal of their own: what it has room for, and colours."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from privbench.cli.output import echo, painted, print_definitions, print_table
from privbench.layout import text_width

FILE = Path(__file__).parents[2] / "results" / "quickstart.json"
CODES = re.compile(r"\x1b\[\d+m")


def on_terminal(*arguments, columns=80, **variables):
    """What a command prints on a terminal, stdout and stderr."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)} | variables
    if "NO_COLOR" not in variables:
        environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "privbench", *map(str, arguments)],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True,
    ):  # fmt: skip
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # the end, on Linux
            pass
        os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_a_table_on_a_terminal():
    text = on_terminal("table", FILE)
    plain = CODES.sub("", text)
    assert plain != text
    assert "\x1b[1mquickstart: digits, mlp" in text
    assert all(text_width(line) <= 80 for line in plain.splitlines())
    assert "left out for the width of the terminal: " in plain
    assert plain.startswith("quickstart: digits, mlp, 16 models, seed 0\n\ndefense  ")


def test_a_list_on_a_terminal_without_colours_says_how_to_go_on():
    text = on_terminal("list", "benchmarks", columns=60, NO_COLOR="1")
    assert "\x1b" not in text
    assert text.startswith("benchmarks (")
    assert all(len(line) <= 60 or len(line.split()) <= 2 for line in text.splitlines())
    assert " ".join(text.split()).endswith("`privbench run quickstart` is a first run.")


def test_an_error_on_a_terminal():
    text = on_terminal("show", "attack", "lyra")
    assert text.startswith("\x1b[31m\x1b[1merror:\x1b[0m privbench show: unknown attack 'lyra'")
    assert all(len(line) <= 80 for line in CODES.sub("", text).splitlines())
    assert "modified-entropy," in text.split()


@pytest.fixture
def forced(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")


def test_colours_can_be_forced_but_for_files_and_json(cli, forced, tmp_path):
    assert "\x1b[1m" in cli("table", FILE, "--view", "differences").stdout
    assert cli("table", FILE, "--view", "differences", "-o", "t.txt").exit_code == 0
    assert "\x1b" not in (tmp_path / "t.txt").read_text()
    for command in (["list", "models"], ["show", "lira"], ["plugins"]):
        text = cli(*command, "--json").stdout
        assert "\x1b" not in text
        json.loads(text)


def test_names_are_escaped_before_they_are_coloured(capsys, forced):
    echo(painted("a\x1b[2J", "name"), " b\x1b[2J")
    print_definitions({"c\x1b[2J": "d\x1b[2J"})
    print_table([{"e\x1b[2J": "f\x1b[2J"}])
    out = capsys.readouterr().out
    assert out.count(r"\x1b[2J") == 6
    assert "\x1b" not in CODES.sub("", out)


def test_a_wide_table_wraps_its_last_column_and_a_wider_one_has_blocks(capsys, monkeypatch):
    monkeypatch.setattr("privbench.cli.output.terminal_width", lambda: 30)
    line = {"name": "adult", "status": "here", "details": "in a folder that is far away"}
    print_table([line, line | {"details": "short"}])
    assert capsys.readouterr().out.splitlines() == [
        "name   status  details",
        "adult  here    in a folder",
        "               that is far",
        "               away",
        "adult  here    short",
    ]
    print_table([line | {"details": "/a/very/long/path/to/it"}])
    assert capsys.readouterr().out.splitlines() == [
        "name adult",
        "  status   here",
        "  details:",
        "      /a/very/long/path/to/it",
    ]


def test_blocks_are_for_tables_only(cli):
    assert "\ndefense none, attack auto\n" in cli("table", FILE, "--blocks").stdout
    result = cli("table", FILE, "--blocks", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--blocks: only with --format table, not json" in result.stderr
