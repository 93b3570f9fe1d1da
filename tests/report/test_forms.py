"""Files of runs whose values have other types than views compute with."""

import gzip
import json
from pathlib import Path
from typing import get_args

import pytest

from privbench.components.outcome import Status
from privbench.errors import BadInput
from privbench.report.document import read_document

COMMITTED = Path(__file__).parents[2] / "results" / "quickstart.json"


@pytest.fixture(scope="module")
def text():
    content = json.loads(COMMITTED.read_text())
    return json.dumps({**content, "rows": content["rows"][:2], "curves": [], "differences": []})


@pytest.fixture
def read(text, tmp_path):
    def read(change):
        content = json.loads(text)
        change(content)
        (tmp_path / "a.json").write_text(json.dumps(content))
        return read_document(tmp_path / "a.json")

    return read


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(benchmark=["x"]),
            r"benchmark: \['x'\]: Input should be a valid string",
        ),
        (lambda c: c.update(remark={}), "remark: "),
        (lambda c: c.update(environment=1), "environment: 1"),
        (lambda c: c["rows"][1].update(auc="high"), r"rows\[1\].auc: high"),
        (lambda c: c["rows"][1].update(auc=float("nan")), r"rows\[1\].auc: nan"),
        (lambda c: c["rows"][1].update(auc=None), r"rows\[1\].auc: null in a row that is ok"),
        (
            lambda c: c["rows"][1].update(seconds=None),
            r"rows\[1\].seconds: null in a row that is ok",
        ),
        (lambda c: c["rows"][0].update(auc_ci=[0.1]), r"rows\[0\].auc_ci: \[0.1\]"),
        (lambda c: c["rows"][0]["tpr_at_fpr"].pop("0.01"), r"tpr_at_fpr.0.01: .*required"),
        (lambda c: c["rows"][0]["tpr_at_fpr"]["0.01"].update(ci=5), r"tpr_at_fpr.0.01.ci: 5"),
        (lambda c: c["rows"][0]["audit"].pop("bounds"), r"audit.bounds: .*required"),
        (lambda c: c["rows"][0].update(guarantee={"kind": "x"}), r"rows\[0\].guarantee: "),
        (
            lambda c: c["rows"][0].update(warnings=[{"name": 1, "text": ""}]),
            r"warnings\[0\].name: 1",
        ),
        (lambda c: c["rows"][0].update(seed=2**70), "an integer of 71 bits"),
        (lambda c: c["rows"][0].update(status="fine"), "status: fine"),
        (lambda c: c.update(format="x" * 10**6), "format xxx"),
    ],
)
def test_values_of_other_types(read, change, message):
    with pytest.raises(BadInput, match=message) as caught:
        read(change)
    assert len(str(caught.value)) < 1000


def test_committed_rows_are_of_the_form(read):
    assert len(read(lambda content: None).run.rows) == 2


def test_a_row_may_have_any_status_of_a_trial(read):
    for status in get_args(Status):
        document = read(lambda content, s=status: content["rows"][0].update(status=s))
        assert document.run.rows[0]["status"] == status


@pytest.mark.parametrize(
    "deep", ["[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "[" * 40 + "]" * 40]
)
def test_nesting(text, tmp_path, deep):
    (tmp_path / "a.json").write_text(text[:-1] + ', "x": ' + deep + "}")
    with pytest.raises(BadInput, match=r"a.json: (not JSON: maximum recursion|nested too deeply)"):
        read_document(tmp_path / "a.json")


def test_numbers_of_thousands_of_digits(text, tmp_path):
    (tmp_path / "a.json").write_text(text[:-1] + ', "x": ' + "9" * 5000 + "}")
    with pytest.raises(BadInput, match="not JSON: Exceeds the limit"):
        read_document(tmp_path / "a.json")


def test_bombs(text, tmp_path, monkeypatch):
    monkeypatch.setattr("privbench.bounds.FREE_BYTES", 2**20)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b" " * 2**22))
    with pytest.raises(BadInput, match="unpack to more than 1 MiB"):
        read_document(tmp_path / "a.json.gz")
    monkeypatch.setattr("privbench.report.document.MAX_RUN_BYTES", 1000)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadInput, match=r"a.json: \d+ bytes .allowed: 1000"):
        read_document(tmp_path / "a.json")
