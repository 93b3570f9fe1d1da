"""``privbench export`` and ``privbench report``, and the other commands on files of runs."""

import json

import pytest

from privbench.storage.results import Results

from .helpers import printed, refused
from .test_table import ROWS


@pytest.fixture
def exported(cli, config, tmp_path):
    """``small.json`` of a run with and without one override, and no results folder beside it."""
    assert cli("run", "small", "-c", config, "--set", "population=5").exit_code == 0
    own = {view: cli("table", "small", "--view", view).stdout for view in ("summary", "utility")}
    result = cli("export", "small", "-o", "small.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert cli("export", "small").stdout == (tmp_path / "small.json").read_text()
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    return own


def test_what_a_file_has_and_what_is_made_of_it(cli, exported, tmp_path):
    content = json.loads((tmp_path / "small.json").read_text())
    assert content["remark"] == "population=5"
    assert content["configuration"]["population"] == 5
    (model,) = content["configuration"]["models"]
    assert model["params"]["epochs"] == 10
    assert model["params"]["momentum"] == 0.9  # a default, which benchmarks.toml does not have
    assert [d["label"] for d in content["configuration"]["defenses"]] == ["none", "noisy"]
    assert set(content["environment"]) >= {"python", "privbench", "commit", "clean", "libraries"}
    assert content["seconds"] > 0
    assert len(content["rows"]) == 16  # defenses, attacks, knowledge, subsets
    assert {line[0] for line in content["differences"]} == {"auc", "tpr", "accuracy"}

    for view, text in exported.items():
        assert cli("table", "small.json", "--view", view).stdout == text
    assert printed(cli("table", "small.json", "--json")) == content["rows"]
    assert cli("plot", "tradeoff", "small.json", "-o", "a.png").exit_code == 0
    result = cli("report", "small.json", "-o", "pages")
    assert result.exit_code == 0, result.output
    files = {path.name for path in (tmp_path / "pages" / "small").iterdir()}
    assert files == {
        "summary.md", "utility.md", "attacks.md", "differences.md", "tradeoff-auc.png",
        "tradeoff-tpr.png",
    }  # fmt: skip
    assert result.stdout.split() == [f"pages/small/{name}" for name in (
        "summary.md", "utility.md", "attacks.md", "differences.md", "tradeoff-auc.png",
        "tradeoff-tpr.png",
    )]  # fmt: skip
    assert "(population=5)" in (tmp_path / "pages" / "small" / "summary.md").read_text()
    assert not (tmp_path / "results").exists()


def test_bad_input(cli, tmp_path):
    results = Results(tmp_path / "results")
    results.add(results.start_run("b", {}), ROWS)
    refused(cli("export", "b"), "no run of 'b' is complete")
    refused(cli("export", "c"), "'c'", "stored: b")
    refused(cli("export", "b", "-o", "b.csv"), "b.csv", "allowed: .json")
    refused(cli("table", "b.json"), "b.json", "No such file", "privbench export")
    refused(cli("plot", "tradeoff", "b.json", "-o", "x.png"), "b.json", "privbench export")
    (tmp_path / "b.json").write_text(json.dumps(ROWS))
    refused(cli("table", "b.json"), "b.json", "not the file of a run", "privbench export")
    refused(cli("report", "b.json", "-o", "pages"), "not the file of a run")
    (tmp_path / "file").write_text("")
    refused(cli("report", "b", "-o", "file"), "file")


def test_one_benchmark_twice(cli, tmp_path):
    results = Results(tmp_path / "results")
    run = results.start_run("b", {})
    results.add(run, ROWS)
    results.finish_run(run, 1.5)
    assert cli("export", "b", "-o", "b.json").exit_code == 0
    refused(cli("table", "b", "b.json"), "b, b.json", "the same benchmark")


def test_a_run_by_its_number(cli, tmp_path):
    results = Results(tmp_path / "results")
    for seconds in (1.5, 2.5):
        run = results.start_run("b", {})
        results.add(run, ROWS)
        results.finish_run(run, seconds)
    assert printed(cli("export", "--run", "1"))["seconds"] == 1.5
    assert printed(cli("export", "b"))["seconds"] == 2.5
    refused(cli("export"), "NAME", "--run ID")
    refused(cli("export", "--run", "17"), "ID 17")
