"""Errors of functions name arguments, those of commands name options."""

import re

import numpy as np
import pandas as pd
import pytest

import privbench
from privbench.arguments import with_arguments
from privbench.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name it with --label", "name it with label=..."),
        ("--slice or --group", "slices=... or groups=..."),
        ("say so with --columns p_a,p_b,...", 'say so with columns="p_a,p_b,..."'),
        ("For a regression: --task regression", 'For a regression: task="regression"'),
        ("--generator FILE or --shadow DIR", "generator=... or shadow=..."),
        ("(--drop 'zip')", "(drop=['zip'])"),
        ("--set mlp.epochs: 'x' is no number", "set[\"mlp.epochs\"]: 'x' is no number"),
        ("--set lira.mode=offline works", 'set={"lira.mode": offline} works'),
        ("name it (--attack label-only)", 'name it (attacks=["label-only"])'),
        ("as well: -o FILE.md", "as well: to_markdown()"),
        ("-k 'lira and'", "select='lira and'"),
        ("-k: a word is missing", "select: a word is missing"),
        ("a plugin of yours? give -p", "a plugin of yours? give plugins=..."),
        ("--shadow /tmp/x: no such folder", "shadow=/tmp/x: no such folder"),
        ("a -- b, x--y, --- and t-k", "a -- b, x--y, --- and t-k"),
    ],
)
def test_options_become_arguments(text, expected):
    assert with_arguments(text) == expected


GOOD = {"p_a": [0.1, 0.9] * 9, "p_b": [0.9, 0.1] * 9, "member": [0, 1] * 9, "label": ["a", "b"] * 9}
TABLE = {"p_a": [0.1, 0.9], "p_b": [0.9, 0.1], "in": [0, 1], "y": ["a", "b"]}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: privbench.audit(pd.DataFrame(TABLE)), ["label=...", "member=...", "holdout=..."]),
        (lambda: privbench.audit(pd.DataFrame(TABLE), slices=["age"]), ["slices=..."]),
        (lambda: privbench.audit(pd.DataFrame(GOOD), attacks=["lyra"]), ["attacks", "'lyra'"]),
        (
            lambda: privbench.audit_data(
                np.zeros((4, 2)), np.ones((4, 2)), np.ones((4, 2)), shadow="nowhere"
            ),
            ["shadow="],
        ),
        (lambda: privbench.audit_training(lambda x, y, seed: None, [], []), []),
        (lambda: privbench.run("quickstart", select="lira and"), ["select='lira and'"]),
        (lambda: privbench.run("quickstart", set={"mlp.epoch": 3}), ['set["mlp.epoch"]']),
    ],
)
def test_calls_speak_of_arguments(call, words):
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert " --" not in message
    assert "(--" not in message
    for word in words:
        assert word in message


def _table(seed):
    numbers = np.random.default_rng(seed).normal(size=(40, 2))
    return pd.DataFrame(numbers, columns=list("bc")).assign(a=range(40 * seed, 40 * seed + 40))


def _guess(x, y, seed):
    return lambda x: np.full((len(x), 2), 0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda folder: privbench.audit(
                pd.DataFrame(GOOD | {"age": [1] * 9 + [2] * 9}), slices=["age"]
            ),
            ["shadow=...", "to_markdown()"],
        ),
        (
            lambda folder: privbench.audit_data(
                _table(0), _table(1), _table(2), attacks=["dcr", "stacked"]
            ),
            ["needs shadow tables: generator=... or shadow=...", "leave it out (drop=['a'])"],
        ),
        (
            lambda folder: privbench.audit_training(
                _guess, np.zeros((40, 2)), [0, 1] * 20, models=2, canaries=0.1, results=folder
            ),
            ['attacks=["label-only"]'],
        ),
    ],
)
def test_reports_of_calls_speak_of_arguments(tmp_path, call, words):
    report = call(tmp_path)
    for text in (str(report), report.to_markdown(), str(report.to_json())):
        assert re.search(r"(?<![-\w])--[a-z]", text) is None
    for word in words:
        assert word in " ".join(str(report).split())
