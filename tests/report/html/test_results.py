"""The page of results of benchmarks."""

import html
import re

import pytest

from privbench.report.differences import Differences
from privbench.report.html.results import groups_of, results_page, rows_fragment
from privbench.report.source import Source
from privbench.storage.results import Run

HOSTILE = "<script>alert(1)</script>'\"{{ 7*7 }}\x1b[31m"


@pytest.fixture
def page(row):
    def make(rows, command=""):
        run = Run(
            benchmark="small", remark="mlp.epochs=5", started_at="2026-01-01", rows=rows,
            finished_at="2026-01-01", seconds=1.0, environment={"privbench": "1.2"},
            configuration=None,
        )  # fmt: skip
        source = Source([run], rows, {"small": run.title_remark}, Differences())
        return results_page(source, command)

    return make


def text_of(page):
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page)))


def test_defenses_by_how_many_members_are_found(row, page):
    rows = [
        row(tpr=0.3), row(attack="loss", tpr=0.9, auc=0.6), row(defense="dp-sgd", tpr=0.02),
        row(attack="auto", tpr=0.4), row(defense="broken", status="failed", reason="boom"),
    ]  # fmt: skip
    (group,) = groups_of(rows, {}, Differences())
    assert [line.defense for line in group.lines] == ["dp-sgd", "none"]
    assert group.lines[1].row["attack"] == "auto"
    assert group.problems == {"failed: boom": ["broken / lira"]}
    text = text_of(page(rows, "privbench table small --html a.html"))
    assert "Without a defense, an attacker" in text
    assert "finds about 400 [200, 500] of 1,000 members" in text
    assert "failed: boom: broken / lira" in text
    assert "privbench table small --html a.html" in text
    assert "privbench run small with mlp.epochs=5" in text


def test_attacks_on_released_data_have_a_column_of_their_own(row):
    rows = [row(), row(attack="dcr", observes="synthetic", auc=0.99, tpr=0.9)]
    (group,) = groups_of(rows, {}, Differences())
    (line,) = group.lines
    assert (line.row["attack"], line.data_auc) == ("lira", 0.99)


def test_names_are_text(row, page):
    rows = [row(defense=HOSTILE, attack=HOSTILE), row(status="failed", reason=HOSTILE)]
    for shown in (page(rows), rows_fragment(rows)):
        assert "<script" not in shown
        assert "{{ 7*7 }}" in html.unescape(shown)
        assert "\x1b" not in shown


def test_it_needs_no_network(row, page):
    made = page([row(), row(dataset="blobs")])
    links = re.findall(r'(?:href|src)="([^"]*)"', made)
    ids = set(re.findall(r'id="([^"]*)"', made))
    assert {link for link in links if not link.startswith("#")} == {"data:,"}
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= ids
    assert "url(" not in made
