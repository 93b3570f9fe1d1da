"""The options of ``privbench table``; not how its tables look."""

import csv
import io

import pytest

from privbench.storage.results import COLUMNS, Results

from .helpers import printed, refused

GUARANTEE = {
    "kind": "dp",
    "epsilon": 2.0,
    "delta": 1e-5,
    "adjacency": "replace-one",
    "accountant": "analytic Gaussian",
    "conditions": ["one query"],
}


def row(**values):
    """A row of the benchmark ``b``."""
    texts = {"benchmark": "b", "dataset": "d", "defense": "none", "model": "m", "attack": "loss"}
    numbers = {"test_accuracy": 0.5, "train_accuracy": 0.75, "auc": 0.625, "auc_ci": [0.5, 0.75]}
    tpr = {"value": 0.25, "ci": [0.125, 0.375], "resolved": True}
    return {
        **dict.fromkeys(COLUMNS),
        **dict.fromkeys(("seed", "n_members", "n_nonmembers", "n_models", "seconds"), 0),
        **dict.fromkeys(("balanced_accuracy", "advantage", "audited_epsilon"), 0),
        **texts,
        **numbers,
        "observes": "probabilities",
        "canary_kind": None,
        "knowledge": "adaptive",
        "subset": "records",
        "status": "ok",
        "reason": "",
        "tpr_at_fpr": {"0.001": {"value": None, "ci": None, "resolved": False}, "0.01": tpr},
        "guarantee": None,
        "verdict": None,
        "key": "k",
        **values,
    }


ROWS = [row(), row(defense="noisy", guarantee=GUARANTEE), row(subset="canaries", auc=0.875)]
OTHER = [row(benchmark="other", defense="mine")]


@pytest.fixture
def stored(cli, tmp_path):
    """``privbench table ...`` where an older run of ``b``, a newer one, and one of ``other`` ended."""
    results = Results(tmp_path / "results")
    for rows in ([row(auc=0.1)], ROWS, OTHER):
        run = results.start_run(rows[0]["benchmark"], {})
        results.add(run, rows)
        results.finish_run(run)
    return lambda *arguments: cli("table", *arguments)


def test_the_last_run_of_a_benchmark(stored):
    assert printed(stored("b", "--format", "json")) == ROWS
    assert printed(stored("other", "--json")) == OTHER


def test_all_benchmarks_or_some_in_that_order(stored):
    assert printed(stored("--json")) == ROWS + OTHER
    assert printed(stored("other", "b", "--json")) == OTHER + ROWS


def test_csv_has_all_columns_unrounded(stored):
    result = stored("b", "--format", "csv")
    assert result.exit_code == 0
    reader = csv.DictReader(io.StringIO(result.stdout))
    lines = list(reader)
    assert tuple(reader.fieldnames) == COLUMNS
    assert [line["defense"] for line in lines] == ["none", "noisy", "none"]
    assert [float(line["auc"]) for line in lines] == [0.625, 0.625, 0.875]


def test_limits(stored, tmp_path):
    """The table is printed whatever is exceeded; a mistake is known before."""
    result = stored("b", "--json", "--fail-above", "auc=0.7")
    assert printed(result, 3) == ROWS
    assert result.stderr.count("auc of ") == 1
    assert "loss (adaptive) on d/noisy/m, seed 0," in result.stderr
    assert stored("b", "--json", "--fail-above", "auc=0.75").exit_code == 0
    assert stored("b", "--html", "a.html", "--fail-above", "auc=0.7").exit_code == 3
    assert (tmp_path / "a.html").exists()
    refused(stored("b", "--fail-above", "acu=0.7"), "unknown metric 'acu'", "'auc'")
    refused(stored("b", "--fail-above", "tpr@0.5=0.7"), "rows have no such metric")


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("table", ["noisy", "loss"]),
        ("markdown", ["| noisy", "|---"]),
        ("latex", ["\\begin{tabular}", "\\\\", "\\end{tabular}"]),
    ],
)
def test_formats_for_reading(stored, format, words):
    result = stored("b", "--format", format)
    assert result.exit_code == 0
    assert result.stderr == ""
    for word in words:
        assert word in result.stdout
    assert result.stdout.endswith("\n")


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "latex", "json"])
@pytest.mark.parametrize("view", ["summary", "attacks", "differences", "rows"])
def test_every_view_in_every_format(stored, format, view):
    result = stored("b", "--format", format, "--view", view)
    assert result.exit_code == 0
    assert "noisy" in result.stdout
    if format == "json":
        printed(result)


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_to_a_file(stored, tmp_path, format):
    text = stored("b", "--format", format).stdout
    result = stored("b", "--format", format, "-o", "out.txt")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == text


def test_to_a_file_that_cannot_be(stored):
    refused(stored("b", "-o", "nowhere/out.txt"), "-o nowhere/out.txt", "No such file or directory")
    refused(stored("b", "-o", "."), "-o", "is a directory")


def test_another_folder(stored, cli, tmp_path, monkeypatch):
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    assert printed(cli("table", "b", "--json", "--results", "elsewhere")) == ROWS
    monkeypatch.setenv("PRIVBENCH_RESULTS", "elsewhere")
    assert printed(cli("table", "b", "--json")) == ROWS


def test_an_unknown_benchmark(stored):
    refused(stored("c"), "'c'", "stored: b, other", "run it first")


def test_no_results(cli, tmp_path):
    refused(cli("table"), "there are no results in", "privbench run quickstart")
    assert not (tmp_path / "results").exists()


def test_a_file_that_is_no_database(cli, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "results.sqlite").write_text("no database" * 100)
    refused(cli("table"), "results.sqlite", "file is not a database")


def test_unknown_choices(stored):
    refused(stored("b", "--format", "xml"), "'xml' (allowed: table, markdown, ")
    refused(stored("b", "--view", "all"), "'all' (allowed: summary, ")


def test_differences_to_another_defense(stored):
    result = stored("b", "--view", "differences", "--baseline", "noisy")
    assert result.exit_code == 0
    assert "less those of noisy" in result.stdout


def test_a_baseline_without_the_view_that_has_one(stored):
    refused(stored("b", "--baseline", "noisy"), "--baseline 'noisy'", "--view differences")
    refused(
        stored("b", "--view", "differences", "--baseline", "x"), "--baseline 'x'", "allowed: none"
    )


def test_a_page_is_written_instead(stored, tmp_path):
    result = stored("b", "--html", "page.html")
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    page = (tmp_path / "page.html").read_text()
    assert "about 250 [125, 375]" in page
    assert "privbench table b --html page.html" in page
    refused(stored("b", "--html", "page.md"), "--html page.md", ".html")


def test_a_run_by_its_number(stored):
    """The first one, which is not what `b` alone stands for."""
    assert [r["auc"] for r in printed(stored("--run", "1", "--json"))] == [0.1]
    assert printed(stored("--run", "b", "--json")) == ROWS
    refused(stored("--run", "17"), "ID 17", "allowed: 3, 2, 1")
    refused(stored("b", "--run", "1"), "--run 1", "leave out 'b'")
