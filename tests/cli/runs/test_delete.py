import sys

import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost

from ..helpers import printed, refused


@pytest.fixture
def ids(cli):
    return lambda: [run["id"] for run in printed(cli("runs", "--json"))]


def test_the_rows_go_and_artifacts_stay(cli, run, ids, tmp_path):
    chosen = ("small", "-k", "none and loss and adaptive")
    run(*chosen)
    stored = sorted((tmp_path / "results" / "artifacts").rglob("*"))
    result = cli("runs", "delete", "1", "--yes")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "run 1: small, -k" in result.stderr
    assert "deleted 1; stored artifacts stay in" in result.stderr
    assert ids() == []
    assert sorted((tmp_path / "results" / "artifacts").rglob("*")) == stored
    refused(cli("table", "small"), "no results")
    plan = printed(run(*chosen, "--dry-run", "--json"))
    assert plan["total"]["compute"] == 0


def test_it_asks_first(add, ids, monkeypatch, tmp_path):
    for _ in range(3):
        add()
    module = sys.modules["privbench.cli.runs.delete"]  # its name in the package is the command
    monkeypatch.setattr(module, "is_interactive", lambda: True)
    monkeypatch.chdir(tmp_path)
    group = build_cli(PluginHost(installed=False))
    result = CliRunner().invoke(group, ["runs", "delete", "1", "3"], input="n\n")
    assert result.exit_code == 0
    assert "delete rows and logs of 2 runs? they cannot be restored" in result.stderr
    assert "nothing was deleted" in result.stderr
    assert ids() == [3, 2, 1]
    CliRunner().invoke(group, ["runs", "delete", "1", "3"], input="y\n")
    assert ids() == [2]


def test_what_is_not_deleted(cli, add, ids):
    add()
    add(finished=False)
    refused(cli("runs", "delete", "1"), "give --yes")
    refused(cli("runs", "delete", "b", "--yes"), "ID b", "number of a run")
    refused(cli("runs", "delete", "1", "17", "--yes"), "ID 17")
    refused(cli("runs", "delete", "1", "2", "--yes"), "run 2 goes on", "nothing was deleted")
    assert ids() == [2, 1]
