"""Tables as text, Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json

import pytest

from privbench.report.formats import FORMATS, render
from privbench.report.notes import Notes
from privbench.report.tables import Table
from privbench.report.views import VIEWS
from privbench.storage.results import COLUMNS


def widest(text):
    table = text.split("\n\n")[1]
    return max(map(len, table.splitlines()))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("view", ["summary", "attacks", "rows", None])
def test_every_format_shows_every_defense(rows, format, view):
    text = render(rows, format, view)
    assert "dp-sgd" in text
    assert text.endswith("\n")


def test_the_table_says_what_it_shows_and_wraps_its_notes(rows):
    text = render(rows, "table")
    assert text.startswith("small: digits, mlp, 16 models, seed 0\n\n")
    assert "[1] dp, δ=1e-05, add-remove" in text
    assert max(map(len, text.split("\n\n")[2].splitlines())) <= 100


def test_a_note_is_one_paragraph_whose_addresses_stay_whole(row):
    url = f"https://example.org/{'data-sets/' * 12}all.tgz"
    reason = f"its files are not here, and the download of {url} failed: 404;\n  missing: a-b"
    text = render([row(status="unavailable", reason=reason)], "table", width=60)
    note = text.split("\n\n")[2]
    assert url in note.split()
    assert " ".join(note.split()).endswith(" failed: 404; missing: a-b")
    lines = [line for line in note.splitlines() if url not in line]
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("width", [80, 110])
def test_a_narrow_terminal_loses_optional_columns_and_is_told_which(rows, width):
    text = render(rows, "table", width=width)
    assert widest(text) <= width
    assert "left out for the width of the terminal: " in text
    assert "gap, naive TPR, " in text
    assert text.endswith("\nall columns: `privbench table NAME --blocks`\n")
    for needed in ("AUC", "TPR at 1% FPR", "guarantee"):
        assert needed in text.partition("\n\n[1]")[0]


def test_notes_of_marks_are_left_out_with_their_column(monkeypatch):
    line = {"name": "x" * 30, "warnings": "RE"}
    notes = ("R: outputs are random", "E: epsilon is too large", "other: stays")
    table = Table("title", [line], notes, optional=("warnings",))
    monkeypatch.setitem(VIEWS, "marked", lambda rows, differences: [table])
    assert "R: outputs" in render([], "table", "marked", width=60)
    text = render([], "table", "marked", width=36)
    assert "R: " not in text
    assert "E: " not in text
    assert "other: stays" in text


@pytest.fixture
def padded():
    """A table of which a terminal of 40 characters can show all columns but ``b``."""
    notes = Notes(["a: first", "b: second", "bee: third"])
    line = {"name": "x" * 10, "a": "1" * 4, "b\n[95% CI]": "2" * 30, "c": "3" * 4}
    return Table("title", [line], notes.lines(), optional=("a", "missing", "b\n[95% CI]", "c"))


def test_columns_that_still_have_room_are_put_back(padded, monkeypatch):
    monkeypatch.setitem(VIEWS, "padded", lambda rows, differences: [padded])
    text = render([], "table", "padded", width=40)
    assert text.splitlines()[2].split() == ["name", "a", "c"]
    assert "left out for the width of the terminal: b [95% CI]" in text.replace("\n   ", "")


def test_notes_on_columns_that_are_left_out_are_left_out(padded, monkeypatch):
    monkeypatch.setitem(VIEWS, "padded", lambda rows, differences: [padded])
    assert "b: second" in render([], "table", "padded")
    text = render([], "table", "padded", width=40)
    assert "b: second" not in text
    assert "a: first\nbee: third\n" in text


def test_a_wide_terminal_loses_nothing(rows):
    assert render(rows, "table", width=200) == render(rows, "table")


def test_a_remark_is_in_the_title_of_its_benchmark(rows):
    remarked = render(rows, "table", remarks={"small": "population=4", "other": "no"})
    assert remarked.startswith("small: digits, mlp, 16 models, seed 0 (population=4)\n")
    assert render(rows, "table", remarks={"small": ""}) == render(rows, "table")


def test_markdown_headers_have_one_line(rows):
    lines = render(rows, "markdown").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert "| AUC [95% CI]" in table[0]
    assert len(table) == 2 + 2


def test_latex_has_the_notes_below_the_table(rows):
    text = render(rows, "latex")
    assert text.index("\\bottomrule") < text.index("{[}1{]} dp, $\\delta$=1e-05") < len(text)


def test_csv_has_the_columns_of_the_rows(rows):
    read = list(csv.DictReader(io.StringIO(render(rows, "csv"))))
    assert tuple(read[0]) == COLUMNS
    assert len(read) == len(rows)
    assert read[0]["auc"] == "0.75"


def test_json_gives_the_rows_back(rows):
    assert json.loads(render(rows, "json")) == rows


def test_json_of_a_view_gives_its_lines(rows):
    (block,) = json.loads(render(rows, "json", "summary"))
    assert block[0]["defense"] == "none"
    assert block[0]["AUC [95% CI]"] == ".750 [.700 .800]"
