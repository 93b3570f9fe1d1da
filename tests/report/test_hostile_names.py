"""Every place where tables and pages are written escapes the texts of others.

How each text is escaped is tested in tests/test_escape.py.
"""

import re

import pytest
from hostile import NAMES

from privbench.errors import BadInput
from privbench.escape import csv_cell, latex, markdown, markdown_code, one_line
from privbench.report.differences import nothing_stored
from privbench.report.document import document_text, read_document
from privbench.report.formats import render
from privbench.report.pages import overview, tables_of, write_pages
from privbench.report.views import VIEWS
from privbench.storage.results import Run

HARMLESS = "harmless"
SOME = [
    "<script>", "=1+1", "a|b", "`a`", "[x](javascript:a)", "\\input{a}", "a\nb", "\x1b[31m", "a\u202eb",
    "a_b#%&$", "*a*", "-a",
]  # fmt: skip
ESCAPES = {"table": one_line, "markdown": markdown, "csv": csv_cell, "latex": latex}


@pytest.fixture
def named(row):
    """Rows of which every text is the name, with one that failed for this reason."""

    def make(name):
        texts = dict.fromkeys(("benchmark", "dataset", "defense", "model", "attack"), name)
        return [
            row(**texts),
            row(**texts | {"subset": "canaries", "canary_kind": name}),
            row(**texts | {"attack": "other", "status": "failed", "auc": None, "reason": name}),
            row(**texts | {"defense": "none"}),
        ]

    return make


@pytest.fixture
def stored(named, tmp_path):
    """The file of a run whose every text is the name."""

    def store(name):
        run = Run(
            benchmark=name, remark=name, started_at="2026-01-02T03:04:05", finished_at="x",
            seconds=90.0, configuration={name: name}, rows=named(name),
            environment={"privbench": name, "machine": name, "libraries": {"torch": name}},
        )  # fmt: skip
        (tmp_path / "a.json").write_text(document_text(run, nothing_stored), encoding="utf-8")
        return tmp_path / "a.json"

    return store


def words(text):
    """Text without the padding of columns, ends of lines, and what keeps paragraphs from being lists."""
    return re.sub(r"[\s-]+", " ", re.sub(r"^\\(?=[=+-])", "", text, flags=re.MULTILINE))


def height(text):
    """The number of lines, but for notes, which are wrapped."""
    return len("\n\n".join(text.split("\n\n")[:2]).splitlines())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("format", ESCAPES)
def test_tables_differ_in_the_escaped_name_alone(named, format, view):
    """A cell of the view ``rows`` may hold a name within JSON, and CSV quotes cells."""
    expected = render(named(HARMLESS), format, view, remarks={HARMLESS: HARMLESS})
    for name in SOME:
        text = render(named(name), format, view, remarks={name: name})
        assert height(text) == height(expected)
        escaped = ESCAPES[format](name)
        if format == "csv":
            assert (escaped in text) == (HARMLESS in expected)
            assert not re.search(r"(^|,)([=@]|[+](?![.]))", text, re.MULTILINE)
        elif name != "-a":  # which is taken for padding
            assert words(text) == words(expected.replace(HARMLESS, escaped))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_files_of_runs_give_names_back(stored, name):
    path = stored(name)
    assert read_document(path).run.rows[0]["defense"] == name
    assert not re.search(
        "[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]", path.read_text("utf-8")
    )


@pytest.mark.parametrize("name", SOME, ids=ascii)
def test_pages_have_the_escaped_name(stored, name):
    path = stored(name)
    code = tables_of(read_document(path))["summary"].splitlines()[-1]
    assert code == f"Code: privbench {markdown(name)}. Run on 2026-01-02."
    head, _, line = overview([path]).splitlines()
    assert line.count(" | ") == head.count(" | ")
    command, machine = line.split(" | ")[1], line.split(" | ")[-1]
    assert command == f"{markdown_code(f'privbench run {name}')} with {markdown(name)}"
    assert machine == f"{markdown(name)}, ? cores, ? |"


@pytest.mark.parametrize("name", ["..", "../a", "/tmp/a", "a/b", "a\x00", "a\u202e", ""])
def test_a_benchmark_writes_nowhere_else(stored, name, tmp_path):
    document = read_document(stored(name))
    with pytest.raises(BadInput, match="cannot be the name of a folder"):
        write_pages(document, tmp_path / "out")
    assert not (tmp_path / "out").exists()
