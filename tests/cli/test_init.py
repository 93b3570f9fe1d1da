"""``privbench init``: what it writes runs, and nothing is overwritten."""

import shutil
from pathlib import Path

import pytest

from .helpers import printed, refused

CASES = Path(__file__).parent.parent / "cases"
QUICK = (
    "--set",
    "population=2",
    "--set",
    'attacks=["loss"]',
    "--set",
    "mlp.epochs=1",
    "--set",
    "canaries=0",
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(CASES / "03-holes-and-dates.csv", tmp_path / "data" / "people.csv")
    return "data/people.csv"


def test_what_it_writes_for_a_table_runs(cli, table):
    result = cli("init", table)
    assert result.exit_code == 0, result.output
    assert "privbench run people --dry-run" in result.stdout
    assert result.stderr == ""
    said = [line for line in result.stdout.splitlines() if line.startswith("missing: ")]
    assert "age (35)" in said[0]
    rows = printed(cli("run", "people", *QUICK, "-k", "none", "--json"))
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["dataset"] for row in rows} == {"csv"}


def test_it_is_written_elsewhere_with_paths_from_there(cli, table, tmp_path):
    (tmp_path / "a").mkdir()
    result = cli("init", table, "-o", "a/b c.toml", "--label", "member")
    assert "privbench run people -c 'a/b c.toml'" in result.stdout
    text = (tmp_path / "a/b c.toml").read_text()
    assert 'path = "../data/people.csv"' in text
    assert 'label = "member"' in text
    plan = printed(cli("run", "people", "-c", "a/b c.toml", "--dry-run", "--json"))
    assert plan["stages"]


def test_the_example_can_be_planned_beside_the_shipped_benchmarks(cli):
    assert cli("init").exit_code == 0
    for name in ("mine", "quickstart"):
        assert cli("run", name, "--dry-run").exit_code == 0


def test_a_file_is_not_overwritten_unless_that_is_asked_for(cli, table, tmp_path):
    path = tmp_path / "benchmarks.toml"
    path.write_text("# mine\n")
    refused(cli("init", table), "benchmarks.toml: is there already", "--force")
    assert path.read_text() == "# mine\n"
    refused(cli("init", table, "--force", "--label", "nobody"), "--label nobody", "allowed: age")
    assert path.read_text() == "# mine\n"
    assert cli("init", table, "--force").exit_code == 0
    assert "[benchmarks.people]" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.csv"], ["nowhere.csv: no such file"]),
        (["data"], ["data: is a folder"]),
        (["--label", "x"], ["--label x", "privbench init FILE.csv"]),
        (["data/people.csv", "-o", "no/where.toml"], ["-o no/where.toml: there is no such folder"]),
    ],
)
def test_bad_input(cli, table, tmp_path, arguments, words):
    before = sorted(path.name for path in tmp_path.iterdir())
    refused(cli("init", *arguments), *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_without_a_file_it_names_a_table_that_is_there(cli, tmp_path):
    assert "your own table" not in cli("init").stdout
    (tmp_path / "my data.csv").touch()
    assert "privbench init 'my data.csv' --force" in cli("init", "--force").stdout
