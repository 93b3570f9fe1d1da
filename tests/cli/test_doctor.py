import platform

import numpy
import pytest

import privbench

from .helpers import printed


def test_facts(cli):
    facts = printed(cli("doctor", "--json"))
    assert facts["python"] == platform.python_version()
    assert facts["privbench"] == privbench.__version__
    assert facts["libraries"]["numpy"] == numpy.__version__
    assert "missing" not in facts["libraries"].values()
    assert facts["device"] in ("cpu", "cuda")
    assert facts["cpus"] >= 1
    assert facts["failures"] == []


def test_text_has_a_line_for_each(cli):
    result = cli("doctor")
    assert result.exit_code == 0
    facts = printed(cli("doctor", "--json"))
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(facts)
    assert f"numpy {numpy.__version__}" in result.stdout


@pytest.mark.parametrize(
    ("value", "words"),
    [("data", "data"), ("nowhere", "not a folder"), ("", "not set"), (None, "not set")],
)
def test_the_data_folder(cli, tmp_path, monkeypatch, value, words):
    (tmp_path / "data").mkdir()
    monkeypatch.delenv("PRIVBENCH_DATA_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("PRIVBENCH_DATA_DIR", value)
    assert words in printed(cli("doctor", "--json"))["data_dir"]


def test_without_a_data_folder_the_cache_is_named(cli, folders, monkeypatch):
    monkeypatch.delenv("PRIVBENCH_DATA_DIR")
    assert str(folders[1]) in printed(cli("doctor", "--json"))["data_dir"]


def test_a_failing_plugin_makes_the_status_1(cli, plugin):
    path = plugin("raise RuntimeError('boom')")
    facts = printed(cli("doctor", "--json", "-p", path), status=1)
    assert facts["failures"] == [f"{path} (import): RuntimeError: boom"]
    result = cli("doctor", "-p", path)
    assert result.exit_code == 1
    assert "RuntimeError: boom" in result.stdout
