"""What changes the digest of a training function, and what does not."""

import argparse
import functools
import importlib
import os
import random
import sys
import textwrap
import types
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from privbench.auditing.fingerprint import fingerprint


def defined(code, **values):
    """The function ``train`` of code that was typed, as in a notebook."""
    names = {"__name__": "__main__"} | values
    exec(textwrap.dedent(code), names)
    return names["train"]


BASE = """
C = {c}
def helper(x):
    return x + {plus}
def train(x, y, seed, depth={depth}):
    inner = lambda v: v * {times}
    return helper(inner(C))
"""
VALUES = {"c": 1.5, "plus": 2, "depth": 3, "times": 4}


def test_the_same_code_has_the_same_digest():
    assert fingerprint(defined(BASE.format(**VALUES))) == fingerprint(
        defined("# a comment\n" + BASE.format(**VALUES))
    )


@pytest.mark.parametrize("name", VALUES)
def test_constants_defaults_helpers_and_inner_functions_are_seen(name):
    changed = BASE.format(**VALUES | {name: 99})
    assert fingerprint(defined(BASE.format(**VALUES))) != fingerprint(defined(changed))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.zeros(3), np.ones(3)),
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        (LogisticRegression(C=1.0), LogisticRegression(C=2.0)),
        (np.add, np.subtract),
    ],
    ids=["array", "dict", "set", "estimator", "function in C"],
)
def test_values_of_globals_closures_and_partials_are_seen(one, two):
    def closing(value):
        def train(x, y, seed):
            return value

        return train

    def of_global(value):
        return defined("def train(x, y, seed): return VALUE", VALUE=value)

    def partial(value):
        return functools.partial(closing(0), extra=value)

    for make in (closing, of_global, partial):
        assert fingerprint(make(one)) == fingerprint(make(one))
        assert fingerprint(make(one)) != fingerprint(make(two))


def test_instances_of_ones_own_classes_are_seen():
    code = """
    class Trainer:
        depth = {depth}
        def __init__(self, c): self.c = c
        def __call__(self, x, y, seed): return self.c
    train = Trainer({c})
    """
    one, same, other, deeper = (
        fingerprint(defined(code.format(c=c, depth=d))) for c, d in ((1, 1), (1, 1), (2, 1), (1, 2))
    )
    assert one == same
    assert len({one, other, deeper}) == 3


def test_files_of_ones_own_that_are_imported_are_seen(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_train.py").write_text(
        "from own_helper import fit\ndef train(x, y, seed): return fit(x)\n"
    )

    def digest(helper):
        (tmp_path / "own_helper.py").write_text(helper)
        for name in ("own_train", "own_helper"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return fingerprint(importlib.import_module("own_train").train)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    one, two = digest("def fit(x): return x\n"), digest("# new\ndef fit(x): return x\n")
    assert one == digest("def fit(x): return x\n")
    assert one != two


def test_classes_of_libraries_are_named_and_not_walked_through():
    code = "def train(x, y, seed): return VALUE"
    one, two = (fingerprint(defined(code, VALUE=cls)) for cls in (pd.DataFrame, pd.Series))
    assert one != two
    assert one == fingerprint(defined(code, VALUE=pd.DataFrame))


def test_an_object_that_cannot_be_read_is_never_the_same(caplog):
    class Odd:
        def __getattr__(self, name):
            raise RuntimeError("boom")

    train = defined("def train(x, y, seed): return VALUE", VALUE=Odd())
    assert fingerprint(train) != fingerprint(train)
    assert "train cannot be told from other functions: RuntimeError: boom" in caplog.text


def test_a_function_that_refers_to_itself_has_an_end():
    code = "def train(x, y, seed): return other()\ndef other(): return train"
    assert fingerprint(defined(code)) == fingerprint(defined(code))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (types.SimpleNamespace(lr=1), types.SimpleNamespace(lr=2)),
        (argparse.Namespace(lr=1), argparse.Namespace(lr=2)),
        (PurePosixPath("a"), PurePosixPath("b")),
        (range(2), range(3)),
        (KFold(2), KFold(3)),
        (torch.float32, torch.float64),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_objects_of_libraries_are_seen(one, two):
    code = "def train(x, y, seed): return VALUE"
    digests = [fingerprint(defined(code, VALUE=value)) for value in (one, two, one)]
    assert digests[0] == digests[2] != digests[1]


def test_global_generators_and_the_environment_are_not_seen(monkeypatch):
    code = "def train(x, y, seed): shuffle(x), rand(), environ['A']"
    values = {"shuffle": random.shuffle, "rand": np.random.rand, "environ": os.environ}
    before = fingerprint(defined(code, **values))
    random.random(), np.random.rand()
    monkeypatch.setenv("A", "b")
    assert fingerprint(defined(code, **values)) == before


def test_values_that_are_set_in_modules_of_ones_own_are_seen():
    config = types.ModuleType("own_config")
    config.__file__ = "/nowhere/own_config.py"
    code = "def train(x, y, seed): return config.lr"
    config.lr = 1
    before = fingerprint(defined(code, config=config))
    config.lr = 2
    assert fingerprint(defined(code, config=config)) != before


def test_files_that_are_imported_inside_the_function_are_seen(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    train = defined("def train(x, y, seed):\n    from own_inner import fit\n    return fit(x)")
    digests = []
    for helper in ("def fit(x): return x\n", "def fit(x): return -x\n"):
        (tmp_path / "own_inner.py").write_text(helper)
        digests.append(fingerprint(train))
    assert digests[0] != digests[1]
    sys.modules.pop("own_inner")
