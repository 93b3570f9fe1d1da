"""Which streams have colours."""

import io

import pytest

from privbench.colour import STYLES, ansi, has_colour, plain


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("variables", "on_terminal", "in_file"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": "0"}, False, False),  # any value: https://no-color.org
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_where_there_are_colours(monkeypatch, variables, on_terminal, in_file):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_colour(Terminal()) == on_terminal
    assert has_colour(io.StringIO()) == in_file


@pytest.mark.parametrize("role", STYLES)
def test_a_colour_ends_behind_the_text(role):
    assert plain("a", role) == "a"
    text = ansi("a", role)
    assert text.startswith("\x1b[")
    assert text.endswith("a\x1b[0m")
    assert ansi("", role) == ""
