"""What a shell completes."""

import json
import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from privbench.cli import build_cli, complete
from privbench.plugins.host import PluginHost

from .test_startup import HEAVY, WATCH


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache folder of a user of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "privbench" / "names.json"


def completed(*words):
    """The values that are offered for the last word, and the types of those that are no plain text."""
    shell = ShellComplete(build_cli(None), {}, "privbench", complete.VARIABLE)
    items = shell.get_completions(list(words[:-1]), words[-1])
    return [item.value if item.type == "plain" else item.type for item in items]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ta"], ["table"]),
        (["run", "sm"], ["small"]),
        (["run", "other"], []),
        (["show", "lir"], ["lira"]),
        (["show", "att"], ["attack", "attack-p", "attack-r", "attacks"]),
        (["show", "attack", "lo"], ["logan", "loss"]),
        (["show", "defense", "no"], ["none", "noisy"]),
        (["show", "benchmark", "s"], ["small"]),
        (["list", "at"], ["attacks"]),
        (["data", "fetch", "mn"], ["mnist"]),
        (["audit", "f.npz", "--attack", "rm"], ["rmia"]),
        (["audit", ""], ["file"]),
        (["table", ""], ["file"]),
        (["table", "--view", "a"], ["attacks", "audit"]),
        (["run", "--executor", "pro"], ["processes"]),
        (["run", "-c", "b"], ["file"]),
        (["completion", "z"], ["zsh"]),
    ],
)
def test_names(config, words, expected):
    assert completed(*words) == expected


def test_names_of_installed_plugins(monkeypatch):
    monkeypatch.setattr("privbench.plugins.installed.known_names", lambda: ["forest", "my-forest"])
    assert completed("run", "--no-plugin", "fo") == ["forest"]
    assert completed("plugins", "--no-plugin", "") == ["forest", "my-forest"]


def test_a_wrong_choice_of_plugins_is_no_traceback(monkeypatch):
    monkeypatch.setenv("PRIVBENCH_LOAD_PLUGINS", "no-such-plugin")
    assert completed("show", "lir") == []


def test_benchmarks_with_results_are_completed_where_results_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "privbench.storage.results.Results.benchmarks",
        lambda self: [f"of-{self.path.parent.name}", "two words", "e\x1bvil"],
    )
    assert completed("table", "") == ["of-results", "file"]
    assert completed("export", "--results", "mine", "of") == ["of-mine", "file"]
    monkeypatch.setenv("PRIVBENCH_RESULTS", "theirs")
    assert completed("plot", "tradeoff", "of-t") == ["of-theirs", "file"]


def test_files_that_cannot_be_read_complete_nothing(tmp_path):
    (tmp_path / "benchmarks.toml").write_text("[benchmark.b]")
    assert completed("run", "") == []
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "results.sqlite").write_text("no database")
    assert completed("table", "") == ["file"]


def test_names_of_components_are_kept_until_something_else_is_installed(cache, monkeypatch):
    names = complete.component_names()
    host = PluginHost(installed=False)
    assert set(names["model"]) >= {entry.name for entry in host.registry("model")}
    stored = json.loads(cache.read_text())
    stored["names"]["model"] = ["kept"]
    cache.write_text(json.dumps(stored))
    assert complete.component_names()["model"] == ["kept"]
    monkeypatch.setattr("privbench.cli.complete.__version__", "9")
    assert complete.component_names() == names
    for broken in ("{", "[]", '{"key": 1}', json.dumps({"key": complete._key(), "names": {}})):
        cache.write_text(broken)
        assert complete.component_names() == names


def test_a_cache_that_cannot_be_written_is_done_without(cache):
    cache.parent.parent.write_text("a file where the folder should be")
    assert "lira" in complete.component_names()["attack"]


def test_no_plugin_is_run(tmp_path):
    (tmp_path / "mine.py").write_text("from pathlib import Path; Path('ran').touch()")
    assert completed("list", "-p", "mine.py", "at") == ["attacks"]
    assert not (tmp_path / "ran").exists()


def environment(words, number):
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(number)}
    return os.environ | variables | {complete.VARIABLE: "bash_complete"}


def test_nothing_heavy_is_imported(config):
    complete.component_names()
    result = subprocess.run(
        [sys.executable, "-c", WATCH.format(heavy=HEAVY)],
        env=environment("privbench show lir", 2), capture_output=True, text=True,
    )  # fmt: skip
    assert (result.stdout, result.stderr) == ("plain,lira\n", "imported:\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(cli, shell):
    script = cli("completion", shell).stdout
    assert complete.VARIABLE in script
    assert f"{shell}_complete" in script
    if shell == "zsh":
        assert script.startswith("#compdef privbench\n")  # a file of $fpath
