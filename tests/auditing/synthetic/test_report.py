"""The report in every format: what it cannot see, what dcr is, and which rows are exposed."""

import json

import pandas as pd
import pytest

import privbench
from privbench.auditing.synthetic import anonymeter
from privbench.errors import BadInput

from .helpers import people

TRAIN, HOLDOUT = people(120, 0), people(300, 1)


@pytest.fixture(scope="module")
def report():
    return privbench.audit_data(TRAIN, HOLDOUT, TRAIN, attacks=["dcr", "shadow-density"])


@pytest.fixture(params=["text", "markdown", "html", "notebook", "json"])
def written(request, report):
    """The report in each format."""
    return {
        "text": str, "markdown": lambda r: r.to_markdown(), "html": lambda r: r.to_html("command"),
        "notebook": lambda r: r._repr_html_(), "json": lambda r: json.dumps(r.to_json()),
    }[request.param](report)  # fmt: skip


def test_each_format_says_what_it_found_and_cannot_see(written, report):
    for words in (
        "The synthetic table reveals something",
        "what only copies of the generator show",
        "that a table is safe",
        "as a privacy metric it is none",
        "2505.01524",
        "random samples of the same source",
        "needs shadow tables: generator=... or shadow=...",
        "at least 1,000 attacked non-members",
    ):
        assert words in " ".join(written.split()), words


def test_with_shadows_it_does_not_say_that_there_are_none(report):
    from dataclasses import replace

    assert "only copies of the generator" not in str(replace(report, n_shadows=16))


def test_the_most_exposed_rows_are_numbered_as_in_the_table(report):
    exposed = report.to_json()["most_exposed"]
    assert len(exposed) == 10
    assert all(one["wrongly"] == 0 for one in exposed)
    lone = pd.concat([TRAIN.iloc[40:41], people(150, 9)], ignore_index=True)
    found = privbench.audit_data(TRAIN, HOLDOUT, lone, attacks=["dcr"]).exposed(1)
    assert found[0].row == 40


def test_no_line_is_wider_than_the_terminal(report):
    for width in (80, 200):
        assert max(map(len, report.text(width).splitlines())) <= min(width, 100)


def test_a_column_of_record_numbers_is_noted():
    tables = [
        t.assign(id=range(i * 1000, i * 1000 + len(t))) for i, t in enumerate((TRAIN, HOLDOUT))
    ]
    report = privbench.audit_data(*tables, tables[0], attacks=["dcr"])
    assert any(
        text.startswith("column 'id' has another value in each row") for text in report.remarks
    )
    assert any("WITHOUT the synthetic table" in text for text in report.remarks)


def test_limits_are_judged_and_those_of_models_are_refused(report):
    (one,) = report.exceeded({"tpr@0.01": 0.05})
    assert "tpr@0.01 of dcr is 1 " in str(one)
    assert report.exceeded({"auc": 1.0, "advantage": 1.0}) == []
    with pytest.raises(BadInput, match="audited_epsilon takes several models"):
        report.exceeded({"audited_epsilon": 1.0})


def test_without_anonymeter_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(anonymeter.importlib.util, "find_spec", lambda name: None)
    report = privbench.audit_data(TRAIN, HOLDOUT, TRAIN, attacks=["dcr"])
    assert report.risks == []
    assert "pip install 'privbench[anonymeter]'" in " ".join(str(report).split())


def test_risks_are_shown_and_what_the_package_raises_is_a_missing_value(report, caplog):
    from dataclasses import replace

    def fails():
        raise RuntimeError("boom")

    failed = anonymeter._risk("linkability", fails)
    assert failed.value is None
    assert "anonymeter: linkability: RuntimeError: boom" in caplog.text
    risks = [anonymeter.Risk("singling out", 0.25, (0.2, 0.3), 0.4, 0.1), failed]
    shown = replace(report, risks=risks, risks_note="note of it")
    for text in (str(shown), shown.to_html(), shown.to_markdown()):
        assert ".250 [.200 .300]" in text
        assert "note of it" in text
    assert shown.to_json()["anonymeter"][0]["control"] == 0.1


def test_anonymeter_itself():
    pytest.importorskip("anonymeter")
    risks, note = anonymeter.risks_of(TRAIN, HOLDOUT, TRAIN, 0)
    assert [risk.name.split()[0] for risk in risks] == ["singling", "linkability", "inference"]
    assert "arXiv 2211.10459" in note


def test_hostile_names_of_columns_are_escaped(report):
    hostile = {"<script>alert(1)</script>\x1b[31m": "age"}
    tables = [t.rename(columns={v: k for k, v in hostile.items()}) for t in (TRAIN, HOLDOUT, TRAIN)]
    page = privbench.audit_data(*tables, attacks=["dcr"]).to_html()
    assert "<script>" not in page


def test_rows_that_are_accused_by_chance_are_called_so(report):
    by_chance = privbench.audit_data(TRAIN, HOLDOUT, people(150, 9), attacks=["dcr"])
    assert "first by chance" in str(by_chance)
    assert "first by chance" not in str(report)
