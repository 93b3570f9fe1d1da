"""ROC curves in the file of a run."""

import json

import numpy as np
import pytest

from privbench.errors import BadInput
from privbench.metrics.band import GRID
from privbench.report.curves import RocBand, curve_lines, curves_in, curves_stored_in
from privbench.report.differences import nothing_stored
from privbench.report.document import document_text, read_document, write_document
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.results import Run

RESOLVED = 12


def band():
    fpr = np.array(GRID)[-RESOLVED:]
    return RocBand(fpr, np.sqrt(fpr), np.sqrt(fpr) / 2, np.minimum(2 * np.sqrt(fpr), 1))


def curves(row):
    return band() if row["metrics_key"] == "with" else None


@pytest.fixture
def run(row):
    rows = [row(metrics_key=key, attack=key) for key in ("without", "with")]
    return Run(
        "small", "", "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+00:00", 1.0, {}, {}, rows
    )


@pytest.mark.parametrize("name", ["small.json", "small.json.gz"])
def test_curves_come_back_rounded(run, tmp_path, name):
    path = tmp_path / name
    write_document(path, document_text(run, nothing_stored, curves))
    document = read_document(path)
    assert document.run == run
    without, known = map(document.curves, document.run.rows)
    assert without is None
    for attribute in ("fpr", "tpr", "low", "high"):
        expected = getattr(band(), attribute)
        np.testing.assert_allclose(getattr(known, attribute), expected, atol=5.1e-5)


def test_the_same_run_gives_the_same_compressed_file(run, tmp_path):
    for name in ("a.json.gz", "b.json.gz"):
        write_document(tmp_path / name, document_text(run, nothing_stored, curves))
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_files_of_before_there_were_curves_have_none(run, tmp_path):
    content = json.loads(document_text(run, nothing_stored, curves))
    del content["curves"]
    path = tmp_path / "small.json"
    path.write_text(json.dumps(content))
    document = read_document(path)
    assert [document.curves(row) for row in document.run.rows] == [None, None]


@pytest.mark.parametrize("line", [[1, [0.5], [0.4], [0.6]], [1], [99, *[[0.5] * len(GRID)] * 3]])
def test_other_lines_are_refused(run, tmp_path, line):
    content = json.loads(document_text(run, nothing_stored, curves)) | {"curves": [line]}
    path = tmp_path / "small.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput):
        read_document(path)


@pytest.mark.parametrize("data", [b"no gzip", b"\x1f\x8b\x08\x00broken"])
def test_a_damaged_compressed_file_is_refused(tmp_path, data):
    path = tmp_path / "small.json.gz"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"small\.json\.gz"):
        read_document(path)


def test_stored_curves_are_those_of_the_stage_metrics(run, tmp_path):
    store = Store(tmp_path)
    roc = np.full((3, len(GRID)), np.nan, dtype=np.float32)
    roc[:, -RESOLVED:] = band().tpr, band().low, band().high
    store.save("metrics", "with", Artifact({"roc": roc}), seconds=1.0, provenance={})
    known = curves_stored_in(store)
    assert known(run.rows[0]) is None
    np.testing.assert_allclose(known(run.rows[1]).tpr, band().tpr, rtol=1e-6)
    assert [line[0] for line in curve_lines(run.rows, known)] == [1]
    assert curves_in(run.rows, curve_lines(run.rows, known))(run.rows[0]) is None
