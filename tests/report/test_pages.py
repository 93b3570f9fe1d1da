"""All tables and plots of a run, and that those which are committed are of the data beside them."""

import re
from pathlib import Path

import numpy as np
import pytest

from privbench.report.document import read_document
from privbench.report.pages import TABLES, code_text, overview, tables_of, write_pages
from privbench.report.tradeoff import MEASURES
from privbench.storage.results import Run

RESULTS = Path(__file__).parent.parent.parent / "results"


def name_of(path):
    return path.name.partition(".")[0]


COMMITTED = sorted(RESULTS.glob("*.json*"))
RUNS = [
    pytest.param(path, id=name_of(path), marks=[pytest.mark.slow] * (path.suffix == ".gz"))
    for path in COMMITTED
]
"""Compressed ones are large, and left to `make check-results`."""


def run_of(environment, rows=(), **values):
    given = {
        "benchmark": "small", "remark": "", "started_at": "2026-01-02T03:04:05", "finished_at": "x",
        "seconds": 90.0, "configuration": None,
    } | values  # fmt: skip
    return Run(environment=environment, rows=rows, **given)


def test_which_code_a_run_was_made_with():
    clean = {"privbench": "1.2", "commit": "0123456789abcdef", "clean": True}
    assert code_text(run_of(clean)) == "privbench 1.2, commit 0123456"
    assert code_text(run_of(clean | {"clean": False})).endswith("0123456 with uncommitted changes")
    assert code_text(run_of({"privbench": "1.2", "commit": None, "clean": None})) == "privbench 1.2"
    assert code_text(run_of({"privbench": "1.2"})) == "privbench 1.2"  # of earlier versions
    assert code_text(run_of({})) == "privbench of unknown version"


def compares(run):
    return len({row["defense"] for row in run.rows}) > 1


def test_there_is_committed_data():
    assert COMMITTED


@pytest.mark.parametrize("path", RUNS)
def test_committed_data_are_of_a_commit_without_changes(path):
    run = read_document(path).run
    assert run.benchmark == name_of(path)
    assert re.fullmatch("[0-9a-f]{40}(, [0-9a-f]{40})*", run.environment["commit"])
    assert run.environment["clean"]


@pytest.mark.parametrize("path", RUNS)
def test_committed_tables_are_those_of_the_data(path):
    """If not, run `make results`."""
    document = read_document(path)
    tables = tables_of(document)
    assert tuple(tables) == (TABLES if compares(document.run) else TABLES[:-1])
    for view, text in tables.items():
        assert (RESULTS / name_of(path) / f"{view}.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", RUNS)
def test_committed_plots_are_those_of_the_data(path, tmp_path):
    """Pixels may differ a little by the version of a font library."""
    from matplotlib.image import imread

    document = read_document(path)
    written = write_pages(document, tmp_path)
    plots = [file.name for file in written if file.suffix == ".png"]
    expected = [f"tradeoff-{measure}.png" for measure in MEASURES]
    assert plots == (expected if compares(document.run) else [])
    assert sorted(plots) == sorted(p.name for p in (RESULTS / name_of(path)).glob("*.png"))
    for name in plots:
        drawn, committed = (
            imread(tmp_path / name_of(path) / name),
            imread(RESULTS / name_of(path) / name),
        )
        assert drawn.shape == committed.shape
        assert np.abs(drawn - committed).mean() < 0.005


@pytest.mark.parametrize("path", RUNS)
def test_the_overview_lists_the_committed_data(path):
    """What `make results` writes; `make lint` checks it, too."""
    run = read_document(path).run
    line = next(x for x in overview([path]).splitlines() if f"[{path.name}]" in x)
    assert line in (RESULTS / "README.md").read_text(encoding="utf-8").splitlines()
    for text in (f"`privbench run {run.benchmark}`", run.environment["commit"][:7]):
        assert text in line


def test_nothing_is_committed_beside_the_data():
    """A folder of tables whose data are gone would be of who knows which commit."""
    folders = {path.parent.name for path in RESULTS.glob("*/summary.md")}
    assert folders == {name_of(path) for path in COMMITTED}
