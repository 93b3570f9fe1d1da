"""The command line in a process of its own, as it is installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from privbench import __version__

HEAVY = {
    "torch",
    "opacus",
    "dp_accounting",
    "sklearn",
    "scipy",
    "pandas",
    "requests",
    "safetensors",
}
QUICK = [
    pytest.param(arguments.split(), id=arguments)
    for arguments in ("--help", "list", "show attack lira", "run --help", "plugins", "data list")
]
NOT_FOR_A_RUN = {
    "torch._dynamo",
    "torch._inductor",
    "sympy",
    "scipy.stats",
    "pandas",
    "sklearn",
    "opacus",
    "dp_accounting",
    "matplotlib",
    "pooch",
}
FIRST = """
[benchmarks.first]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [8], epochs = 1 }]
defenses = ["none"]
attacks = ["lira", "rmia"]
population = 4
pool = 400
"""

WATCH = """
import sys
from privbench.cli import main
try:
    main()
finally:
    print("imported:", *sorted(set({heavy}) & set(sys.modules)), file=sys.stderr)
"""


def call(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", QUICK)
def test_nothing_heavy_is_imported(arguments):
    result = call(sys.executable, "-c", WATCH.format(heavy=HEAVY), *arguments)
    assert (result.returncode, result.stderr) == (0, "imported:\n")


def test_a_run_imports_no_more_than_it_needs(tmp_path):
    """A fresh process trains, attacks and prints a table in little more time than torch's import."""
    (tmp_path / "benchmarks.toml").write_text(FIRST)
    watch = WATCH.format(heavy=NOT_FOR_A_RUN)
    result = call(
        sys.executable, "-c", watch, "run", "first",
        "-c", tmp_path / "benchmarks.toml", "--results", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0
    assert "rmia" in result.stdout or "lira" in result.stdout
    assert result.stderr.endswith("imported:\n")


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-m", "privbench"], [Path(sys.executable).with_name("privbench")]],
    ids=["module", "script"],
)
def test_both_ways_to_start_it(command):
    assert call(*command, "--version").stdout == f"privbench, version {__version__}\n"
    wrong = call(*command, "lst")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "No such command 'lst'" in wrong.stderr


def test_the_log_goes_to_stderr(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('boom')")
    result = call(sys.executable, "-m", "privbench", "list", "attacks", "--json", "-p", broken)
    assert result.returncode == 0
    assert "lira" in {line["name"] for line in json.loads(result.stdout)}
    assert result.stderr == f"warning: plugin {broken} (import): RuntimeError: boom\n"


@pytest.mark.parametrize(
    ("command", "status"), [("plugins", 1), ("doctor", 1), ("plugins check", 1)]
)
def test_a_command_that_lists_failures_prints_each_once(tmp_path, command, status):
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('boom')")
    given = [broken] if command.endswith("check") else ["-p", broken]
    result = call(sys.executable, "-m", "privbench", *command.split(), *given)
    assert (result.returncode, result.stderr) == (status, "")
    assert result.stdout.count("boom") == 1


def test_a_file_of_ones_own_is_echoed_on_stderr_once_a_run(config, another, blobs):
    another()
    result = call(
        sys.executable, "-m", "privbench", "run", "small", "another", "-c", config, "--dry-run"
    )
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{blobs}: 160 records; classes 0: ")
    assert line.endswith("; 8 features from 8 numeric columns")


def test_every_command_has_a_short_help_that_is_not_cut(cli):
    for group in ((), ("plot",), ("data",), ("leaderboard",), ("runs",)):
        _, listed = cli(*group, "--help").stdout.split("Commands:\n")
        assert listed
        for line in listed.splitlines():
            assert line.endswith("."), line
            assert not line.endswith("..."), line
