"""How text is fitted to the width of the terminal."""

import io
import json

import pytest

from privbench.cli.output import (
    line_width,
    print_definitions,
    print_json,
    print_table,
    terminal_width,
    wrapped,
    wrapped_document,
)


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")


def test_the_width_is_that_of_the_variable_and_80_without_a_terminal(monkeypatch):
    assert line_width() == 40
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.__stdout__", io.StringIO())
    assert line_width() == 80


def test_what_is_no_terminal_has_no_width(monkeypatch):
    assert terminal_width() is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert terminal_width() == 40


def test_words_stay_whole():
    address = "https://example.org/" + "data-sets/" * 5
    lines = wrapped(f"Its files are not here, and are not at {address} either.", "  ").splitlines()
    assert f"  {address}" in lines
    assert max(len(line) for line in lines if address not in line) <= 40


def test_a_cut_text_ends_with_an_ellipsis():
    text = wrapped("word " * 30, max_lines=2)
    assert text.endswith(" …")
    assert len(text.splitlines()) == 2
    assert wrapped("word " * 3, max_lines=2) == "word word word"


def test_definitions_are_in_a_column(capsys):
    print_definitions({"a": "short", "longer": "word " * 10})
    assert capsys.readouterr().out.splitlines() == [
        "  a       short",
        "  longer  word word word word word word",
        "          word word word word",
    ]
    print_definitions({})
    assert capsys.readouterr().out == ""


def test_paragraphs_that_are_too_wide_are_wrapped_and_others_are_kept():
    narrow = "Two lines\nthat fit."
    wide = "One line that is wider than forty columns\nand another one."
    items = "- an item that is wider than forty columns\n- another item"
    assert wrapped_document(f"{narrow}\n\n{wide}\n\n{items}").split("\n\n") == [
        narrow,
        "One line that is wider than forty\ncolumns and another one.",
        "- an item that is wider than forty\n  columns\n- another item",
    ]


def test_json_and_tables(capsys):
    print_json({"a": [1, 2]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, 2]}
    print_table([{"name": "x", "size": "01"}])
    header, line = capsys.readouterr().out.splitlines()
    assert (header.split(), line.split()) == (["name", "size"], ["x", "01"])
