"""Tables on terminals of any width: nothing is cut, and no column is lost silently."""

import re
from pathlib import Path

import pytest
from hostile import NAMES

from privbench.colour import ansi, plain
from privbench.layout import joined_header, text_width
from privbench.report.audits import AUDITED, VERDICT
from privbench.report.formats import render
from privbench.report.source import open_source
from privbench.report.tables import Table
from privbench.report.terminal import BEST_NOTE, terminal_text
from privbench.report.views import VIEWS

FILE = Path(__file__).parents[2] / "results" / "quickstart.json"
CODES = re.compile(r"\x1b\[\d+m")


@pytest.fixture(scope="module")
def tables():
    source = open_source([str(FILE)], "")
    return {view: VIEWS[view](source.rows, source.differences) for view in VIEWS}


def is_narrow(text, width):
    """No line is wider, but for a word that is wider itself."""
    return all(
        text_width(line) <= width or len(line.split()) == 1 for line in text.splitlines()
    )  # fmt: skip


@pytest.mark.parametrize("width", [40, 80, 100, 140])
@pytest.mark.parametrize("view", VIEWS)
def test_each_column_is_shown_or_named_and_words_are_whole(tables, view, width):
    for table in tables[view]:
        few = Table(table.title, table.lines[:30], table.notes, optional=table.optional)
        text = terminal_text(few, width)
        assert is_narrow(text, width)
        shown = text.split()
        whole = {word for line in few.lines for cell in line.values() for word in cell.split()}
        is_table = "\n---" in text
        row = re.split("  +", text.split("\n\n")[1].splitlines()[0]) if is_table else []
        named = " ".join((text.partition("left out")[2] if is_table else text).split())
        for header in few.headers():
            assert header.split("\n")[0] in row or joined_header(header) in named, header
        if "left out" not in text:
            assert whole - {"-", ""} <= {word.rstrip(",") for word in shown} | set(shown)


@pytest.mark.parametrize("view", VIEWS)
def test_without_a_terminal_all_is_shown(tables, view):
    for table in tables[view]:
        text = terminal_text(table, None)
        assert "left out" not in text
        assert terminal_text(table, 10_000) == text
        header = text.split("\n\n")[1].splitlines()[0]
        assert all(name.split("\n")[0] in header for name in table.headers())


OPTIONAL = ("gap", VERDICT, AUDITED)


@pytest.mark.parametrize("verdict", ["refuted", "refuted (2.3)", "consistent (2.3)", "not tested"])
@pytest.mark.parametrize("width", range(20, 70, 5))
def test_what_is_refuted_is_never_left_out(width, verdict):
    lines = [
        {"defense": "none", "gap": ".1", AUDITED: "1.00 of 2.00", VERDICT: "-"},
        {"defense": "claimed", "gap": ".1", AUDITED: "9.87 of 9.99", VERDICT: verdict},
    ]
    text = terminal_text(Table("title", lines, optional=OPTIONAL), width)
    is_shown = "9.87" in text and verdict.split()[0] in text.partition("left out")[0]
    if verdict.startswith("refuted"):
        assert is_shown
    elif width == 20:
        assert not is_shown
        assert "audited ε of ceiling" in " ".join(text.partition("left out")[2].split())


def test_the_bound_that_decides_is_never_left_out():
    lines = [{"defense": "d" * 20, "GDP": "9.87*", "f-DP": "1.23", "verdict": "refuted"}]
    table = Table("title", lines, optional=("GDP", "f-DP"))
    assert "9.87*" in terminal_text(table, 40)
    assert "terminal: f-DP all" in " ".join(terminal_text(table, 40).split())


def test_blocks_on_request(tables):
    (table,) = tables["summary"]
    text = terminal_text(table, None, as_blocks=True)
    assert "\ndefense none, attack auto\n  test acc.  " in text
    assert text.count("\ndefense ") == len(table.lines)


def test_colours_are_all_that_they_add(tables):
    (table,) = tables["summary"]
    coloured = terminal_text(table, 100, ansi)
    assert "\x1b[32m" in coloured  # the best of a column
    assert CODES.sub("", coloured).replace(f"{BEST_NOTE}\n", "") == terminal_text(table, 100)
    assert BEST_NOTE not in terminal_text(table, 100, plain)


def test_warnings_stand_between_the_title_and_the_table():
    table = Table("title", [{"defense": "none"}], ("note",))
    warned = ["members are answered worse\x1b than others are", "short"]
    assert terminal_text(table, 40, warned=warned).split("\n\n") == [
        "title",
        "warning: members are answered worse\\x1b\n    than others are\nwarning: short",
        "defense\n---------\nnone",
        "note\n",
    ]
    assert "\x1b[33mwarning:\x1b[0m short" in terminal_text(table, 40, ansi, warned=warned)


@pytest.mark.parametrize("paint", [plain, ansi])
def test_names_of_plugins_do_not_act_on_the_terminal(row, paint):
    rows = [row(defense=name, attack=name) for name in NAMES]
    for width in (None, 60):
        text = CODES.sub("", render(rows, "table", width=width, paint=paint))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", text)
    assert render(rows, "csv", paint=paint) == render(rows, "csv")
    assert render(rows, "json", paint=paint) == render(rows, "json")
