"""Errors of functions name arguments, those of commands name options."""

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
