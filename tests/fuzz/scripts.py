"""Python files of `audit-training`: what is no Python, and records of odd types and shapes."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.fuzz.mutate import DEEP, edited, edits

VALUES = (
    "numpy.zeros((30, 2))", "numpy.arange(30) % 2", "numpy.zeros(30)", "None", "[]", "[1, 2]", "'abc'",
    "{}", "5", "numpy.zeros((30, 0))", "numpy.array(['a', 'b'] * 15)", "numpy.array([None] * 30)",
    "numpy.zeros((30, 2, 2))", "[[1], [1, 2]] * 15", "numpy.full(30, numpy.nan)", "object()",
    "range(30)",
    "numpy.array([10**30] * 30)", "numpy.arange(30) * 10**17", "numpy.zeros((0, 2))", "b'x' * 30",
    "numpy.zeros(30, dtype=[('a', 'f4')])", "numpy.ones(30, complex)", "numpy.ones(30, bool)",
    "numpy.array('2020', 'M8[D]').repeat(30)", "numpy.linspace(0, 1, 30)", "[float('inf')] * 30",
    "['\\ud800'] * 30", "(i for i in range(30))", "numpy.array(3)", "int", "lambda *a: a",
    "[0, 1.5, 'x'] * 10", "[True, False] * 15", "{i: i for i in range(30)}", "set(range(30))",
)  # fmt: skip
BASE = """import numpy
def train(x, y, seed):
    return lambda x: numpy.full((len(x), 2), 0.5)
x = numpy.arange(60.0).reshape(30, 2)
y = numpy.arange(30) % 2
"""
ROLES = ("x", "y", "train", "member", "model", "data", "reference_x", "reference_y")


@st.composite
def script_files(draw):
    """Draw a file: definitions exchanged, code that cannot be compiled, or changed bytes."""
    lines = [
        f"{role} = {value}"
        for role, value in draw(
            st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from(VALUES)), max_size=3)
        )
    ]
    form = draw(st.sampled_from(("values", "values", "values", "odd", "bytes", "text")))
    if form == "odd":
        depth = draw(st.sampled_from(DEEP))
        lines.append(
            draw(
                st.sampled_from((
                    "a = " + "(" * depth + ")" * depth, "a = " + "-" * depth + "1", "a = " + "9" * depth,
                    "raise SystemExit(0)", "raise KeyError", "import nothing",
                    "def data(): return 1 / 0",
                    "def data(): return {'x': x, 'z': 1}", "def f(): f()\nf()", "exit()", "train = 5",
                    "raise BaseException('\\ud800')", "def train(x): pass", "assert False, '\\x1b[2J'",
                    "def data(): return (x, y)\ndel x, y", "a = " + "+".join("1" * min(depth, 20_000)),
                ))
            )
        )  # fmt: skip
    data = (BASE + "\n".join(lines) + "\n").encode()
    if form == "bytes":  # outside of code, so that no changed word does harm
        notes = b"# " + edited(b"coding: utf-8 notes", draw(st.lists(edits, max_size=3)))
        data = notes.replace(b"\n", b"") + b"\n" + data
    elif form == "text":
        data = draw(
            st.sampled_from((b"", b"\0", b"\xff\xfe", b"# coding: x\n", b"x = (", b"PK\x03\x04"))
        )
    return data
