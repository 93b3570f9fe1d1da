"""``privbench audit-data`` as a user would type it."""

import json
import logging

import pytest
from auditing.synthetic.helpers import leaky, people

GENERATOR = """
def generate(table, seed, n):
    return table.sample(n, replace=True, random_state=seed)
"""


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """The options that name three files."""
    monkeypatch.chdir(tmp_path)
    train = people(120, 0)
    for role, table in {
        "train": train, "holdout": people(300, 1), "synthetic": leaky(train, 2, 120)
    }.items():  # fmt: skip
        table.to_csv(f"{role}.csv", index=False)
    return ["--train", "train.csv", "--holdout", "holdout.csv", "--synthetic", "synthetic.csv"]


def test_a_table_with_what_it_cannot_see(cli, tables, caplog):
    caplog.set_level(logging.INFO, "privbench")
    result = cli("audit-data", *tables, "--attack", "dcr", "--attack", "gen-lra")
    assert result.exit_code == 0, result.output
    assert "120 members, 150 non-members, 120 synthetic rows, 150 reference rows" in result.stdout
    assert "not seen: that a table is safe" in result.stdout
    assert "attack gen-lra" in caplog.text


def test_json_a_page_and_a_limit(cli, tables, tmp_path):
    result = cli("audit-data", *tables, "--attack", "dcr", "--json", "--html", "page.html",
                 "--fail-above", "tpr@0.01=0.05", "--plot", "roc.png")  # fmt: skip
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert list(found["attacks"]) == ["dcr"]
    assert [one["role"] for one in found["inputs"]] == ["train", "holdout", "synthetic"]
    assert "whose upper end is above the limit 0.05" in result.stderr
    page = (tmp_path / "page.html").read_text()
    assert "<h1>Audit of synthetic.csv" in page
    assert "privbench audit-data --train train.csv" in page
    assert (tmp_path / "roc.png").stat().st_size > 0


def test_shadow_tables_are_made_once(cli, tables, tmp_path, caplog):
    caplog.set_level(logging.INFO, "privbench")
    (tmp_path / "gen.py").write_text(GENERATOR)
    arguments = [*tables, "--generator", "gen.py", "--shadows", "4", "--attack", "gan-leaks",
                 "--attack", "stacked"]  # fmt: skip
    first = cli("audit-data", *arguments)
    assert first.exit_code == 0, first.output
    assert "shadow table 4 of 4" in caplog.text
    caplog.clear()
    again = cli("audit-data", *arguments)
    assert "shadow table" not in caplog.text
    assert again.stdout == first.stdout
    (folder,) = (tmp_path / "results" / "shadow-tables").iterdir()
    read = cli("audit-data", *tables, "--shadow", folder, "--attack", "gan-leaks")
    assert "4 shadow tables" in read.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--train", "nowhere.csv"], "train: nowhere.csv: no such file"),
        (["--drop", "agee"], "--drop: there is no column 'agee'; did you mean 'age'?"),
        (["--attack", "lira"], "unknown attack on released data 'lira'"),
        (["--fail-above", "audited_epsilon=1"], "audited_epsilon takes several models"),
        (["--shadow", "nowhere"], "--shadow nowhere: no such folder"),
        (["--generator", "nowhere.py"], "--generator nowhere.py: no such file"),
        (["--generator", "train.csv", "--shadows", "1"], "--shadows 1 (allowed: at least 4)"),
        (["-o", "x.txt"], "unknown format '.txt'"),
    ],
)
def test_wrong_input_is_named(cli, tables, change, words):
    result = cli("audit-data", *tables, *change)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_file_of_the_role_that_is_missing_is_asked_for(cli):
    result = cli("audit-data", "--train", "a.csv")
    assert result.exit_code == 2
    assert "--holdout" in result.stderr
