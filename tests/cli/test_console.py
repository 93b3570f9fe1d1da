"""Messages on stderr."""

import io
import logging

import pytest
from rich.console import Console

from privbench.cli.console import LogHandler, console


@pytest.fixture
def shown(monkeypatch):
    """What the handler prints on a terminal of 40 columns."""
    file = io.StringIO()
    narrow = Console(file=file, force_terminal=True, width=40, color_system=None)
    monkeypatch.setattr("privbench.cli.console.console", lambda: narrow)
    return file


def emit(level, message, *arguments):
    LogHandler().emit(logging.LogRecord("privbench", level, "f", 1, message, arguments, None))


def test_there_is_one_console_and_it_is_stderr():
    assert console() is console()
    assert console().stderr


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, "3 records\n"),
        (logging.INFO, "3 records\n"),
        (logging.WARNING, "warning: 3 records\n"),
        (logging.ERROR, "error: 3 records\n"),
    ],
)
def test_a_warning_says_that_it_is_one(shown, level, expected):
    emit(level, "%d records", 3)
    assert shown.getvalue() == expected


def test_labels_are_no_markup_and_lines_end_between_words(shown):
    path = "/a/path/that/is/wider/than/the/terminal"
    message = f"csv[path=a]/vae[epsilon=8] {path} " + " ".join(["word"] * 20)
    emit(logging.WARNING, message)
    lines = shown.getvalue().splitlines()
    assert " ".join(shown.getvalue().split()) == f"warning: {message}"
    assert lines[0] == "warning: csv[path=a]/vae[epsilon=8]"
    assert [line.strip() for line in lines if len(line) > 40] == [path]
