"""Phases of the first table add up to the whole, and ratios are those within a round."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture
def first_table(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    before = set(sys.modules)
    import first_table

    yield first_table
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_phases_add_up_to_the_whole(first_table):
    events = [
        ["commands and plugins", 101.0, 0.5],
        ["other", 104.0, 2.0],
        ["population", 109.0, 6.0],
    ]
    seconds = first_table.by_phase(events, started=100.0, clock=10.0, processor=6.5)
    assert seconds == {
        "commands and plugins": (1.0, 0.5),
        "other": (4.0, 2.0),  # before the stage, and after it
        "training": (5.0, 4.0),
    }


def test_ratios_are_those_within_a_round(first_table):
    fast = [{"whole": (1.0, 2.0)}, {"whole": (10.0, 2.0)}, {"whole": (4.0, 2.0)}]
    slow = [{"whole": (3.0, 4.0)}, {"whole": (20.0, 8.0)}, {"whole": (16.0, 4.0)}]
    assert first_table.ratio(slow, fast, 0) == 3.0
    assert first_table.ratio(slow, fast, 1) == 2.0
    assert first_table.medians(fast) == {"whole": {"clock": 4.0, "processor": 2.0}}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--repeat", "0"], "--repeat 0: must be 1 or more"),
        (["--models", "3"], "--models 3: must be 4 or more"),
        (["--old", "nowhere"], "--old nowhere: there is no privbench in this folder"),
        ([], "PRIVBENCH_DATA_DIR: needed for Location-30"),
    ],
)
def test_wrong_options(first_table, options, problem, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["first_table.py", *options])
    monkeypatch.delenv("PRIVBENCH_DATA_DIR", raising=False)
    with pytest.raises(SystemExit):
        first_table.parse()
    assert problem in capsys.readouterr().err
