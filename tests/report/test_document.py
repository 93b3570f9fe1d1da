"""The file of a run: what it holds, and that tables from it are those from the database."""

import json
from dataclasses import replace

import pytest

from privbench.errors import BadInput
from privbench.report.differences import Differences
from privbench.report.document import document_text, read_document
from privbench.report.formats import render
from privbench.report.recorded import recorded_in, recorded_lines
from privbench.storage.results import COLUMNS, Run


@pytest.fixture
def run(row):
    """Two seeds of three defenses, with keys of artifacts."""
    rows = [
        row(
            defense=defense, seed=seed, auc=auc + seed / 50, auc_ci=[auc - 0.1, auc + 0.1],
            test_accuracy=auc + 0.1, test_accuracy_ci=[auc, auc + 0.2],
            metrics_key=f"m{defense}{seed}", utility_key=f"u{defense}{seed}",
        )
        for defense, auc in (("none", 0.75), ("dp-sgd", 0.55), ("noisy", 0.7))
        for seed in (0, 1)
    ]  # fmt: skip
    return Run(
        "small", "population=16", "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+00:00", 90.5,
        {"python": "3.11", "commit": "a" * 40, "clean": True}, {"seeds": [0, 1]}, rows,
    )  # fmt: skip


def errors(first, second, measure):
    """Standard errors that tell measures and pairs of one seed apart, with many digits."""
    if first["seed"] != second["seed"]:
        return None
    weights = {"auc": 1, "tpr": 2, "accuracy": 3}
    return (0.01 * weights[measure] + (first["auc"] + second["auc"]) / 1000 / 3, 7)


@pytest.fixture
def path(run, tmp_path):
    path = tmp_path / "small.json"
    path.write_text(document_text(run, errors))
    return path


def test_a_run_comes_back_as_it_went_in(run, path):
    assert read_document(path).run == run


def test_a_line_for_each_row_and_the_same_text_each_time(run, path):
    text = path.read_text()
    assert document_text(run, errors) == text
    lines = text.splitlines()
    start = lines.index(' "rows": [')
    assert [json.loads(line.strip(" ,")) for line in lines[start + 1 : -2]] == run.rows
    changed = [run.rows[0] | {"auc": 0.123}, *run.rows[1:]]
    other = document_text(replace(run, rows=changed), errors).splitlines()
    of_rows = [i for i, (a, b) in enumerate(zip(lines, other, strict=True)) if a != b and i > start]
    assert of_rows == [start + 1]


@pytest.mark.parametrize("view", ["summary", "utility", "differences", "attacks"])
def test_views_from_the_file_are_those_of_the_run(run, path, view):
    own = render(run.rows, "markdown", view, differences=Differences(errors))
    document = read_document(path)
    assert render(document.run.rows, "markdown", view, differences=document.differences) == own
    if view != "attacks":
        assert render(run.rows, "markdown", view) != own  # unpaired


@pytest.mark.parametrize("baseline", ["none", "dp-sgd", "noisy"])
def test_differences_from_any_defense_are_in_the_file(run, path, baseline):
    """Digit by digit."""
    found = read_document(path).differences
    for first in run.rows:
        second = next(r for r in run.rows if (r["defense"], r["seed"]) == (baseline, first["seed"]))
        if first is second:
            continue
        for measure in ("auc", "tpr", "accuracy"):
            assert found.errors(first, second, measure) == errors(first, second, measure)
            assert found.errors(second, first, measure) == errors(first, second, measure)


def test_what_is_not_stored_is_not_in_the_file(run):
    assert recorded_lines(run.rows, lambda *_: None) == []
    without = [row | {"metrics_key": None} for row in run.rows]
    assert {line[0] for line in recorded_lines(without, errors)} == {"accuracy"}
    assert recorded_in(without, [])(*without[:2], "auc") is None


def test_columns_of_later_versions_are_none(path):
    content = json.loads(path.read_text())
    for row in content["rows"]:
        del row["warnings"]
    path.write_text(json.dumps(content))
    assert tuple(read_document(path).run.rows[0]) == COLUMNS
    assert read_document(path).run.rows[0]["warnings"] is None


def test_a_run_that_is_not_complete(run):
    with pytest.raises(BadInput, match="no run of 'small' is complete"):
        document_text(replace(run, finished_at=None), errors)


def change(key, value):
    """A change of a file: one key has another value, or is missing."""

    def changed(content):
        content[key] = value
        return {k: v for k, v in content.items() if v is not None}

    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda content: content["rows"], "not the file of a run"),
        (change("format", 2), r"format 2 \(allowed: a file that `privbench export NAME` wrote"),
        (change("rows", None), "key 'rows' is missing"),
        (change("differences", None), "key 'differences' is missing"),
        (change("differences", [["auk", 0, 1, 0.1, 7]]), "measure 'auk' .allowed: auc, tpr, accuracy"),
        (change("differences", [["auc", 0, 99, 0.1, 7]]), "index out of range"),
        (change("differences", [["auc", 0, 1]]), "not enough values"),
        (change("rows", [{"status": "ok", "new": 1}]), r"unknown columns \['new'\]"),
        (change("rows", ["x"]), "unknown columns"),
    ],
)  # fmt: skip
def test_other_files_are_refused(path, changed, message):
    path.write_text(json.dumps(changed(json.loads(path.read_text()))))
    with pytest.raises(BadInput, match=message):
        read_document(path)


def test_files_that_are_not_there_or_no_json(tmp_path):
    with pytest.raises(BadInput, match=r"a.json: No such file.*allowed: a file that"):
        read_document(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match="not JSON"):
        read_document(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not JSON"):
        read_document(tmp_path / "a.json")
