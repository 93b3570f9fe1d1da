"""Texts that once ended in a traceback, or took forever, are refused with a message."""

import pytest

from privbench.bounds import MAX_NESTING, MAX_TOML_BYTES
from privbench.config import Overrides, read_file
from privbench.config.selection import selector
from privbench.errors import BadInput

DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "nested too deeply .allowed: 32 levels"),
        ("a = " + "[" * 40 + "]" * 40, "nested too deeply"),
        ("a = " + "{a=" * 2000 + "1" + "}" * 2000, "nested too deeply"),
        (".".join("a" * 100_000) + " = 1", "nested too deeply"),
        ('"a" . ' * 5000 + "b = 1", "nested too deeply"),
        (f"a = {DIGITS}", "Exceeds the limit"),
        (f"a = 0x{'f' * 5000}", r"an integer of 20000 bits .allowed: 64 bits"),
        ("a = 9223372036854775808", "an integer of 64 bits"),
        (f"[defenses.{'x' * 2000}]", "a key of 2000 characters"),
        ("#" * (MAX_TOML_BYTES + 1), "1048577 characters .allowed: 1048576"),
        ("#" * (5 * MAX_TOML_BYTES), "characters .allowed: 1048576"),
    ],
)
def test_benchmarks_toml(tmp_path, text, message):
    path = tmp_path / "b.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=f"^{path}: .*{message}") as caught:
        read_file(path)
    assert len(str(caught.value)) < 2000


def test_a_folder_in_place_of_the_file(tmp_path):
    with pytest.raises(BadInput, match="Is a directory"):
        read_file(tmp_path)


def test_points_in_values_are_no_nesting(load):
    prefix = f'[defenses.x]\nmechanisms = ["{"a." * 150}"]\n'
    benchmark = load(seeds=[0, 1], prefix=prefix, is_in_schema=False)
    assert benchmark.seeds == (0, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("population=" + "[" * 50_000, "--set population: nested too deeply"),
        ("population=[" + "[" * 40 + "]" * 41, "--set population: nested too deeply"),
        (f"population=0x{DIGITS}", "--set population: an integer of"),
        (f"{'x' * 5000}=1", "5000 characters .allowed: 1000"),
        ("[" * 50_000, "write KEY=VALUE"),
        (f"mlp.hidden=[{DIGITS}]", "is not TOML"),
    ],
)
def test_set(given, message):
    with pytest.raises(BadInput, match=message) as caught:
        Overrides.parse([given])
    assert len(str(caught.value)) < 2000


def test_numbers_of_thousands_of_digits_are_texts_as_other_words(load):
    with pytest.raises(BadInput, match=r"population: '9999.*should be a valid integer") as caught:
        load(set=[f"population={DIGITS}"])
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("population", [1_000_001, 2**62])
def test_populations_that_no_machine_trains(load, population):
    with pytest.raises(BadInput, match=r"population: .* less than or equal to 1000000"):
        load(population=population)


def test_sweeps_multiply(load):
    lists = [f"mlp.{key}={list(range(1, 200))}" for key in ("epochs", "batch_size")]
    with pytest.raises(BadInput, match=r"sweeps of 39601 combinations .allowed: 10000"):
        load(set=lists)


@pytest.mark.parametrize("text", ["(" * 5000, "not " * 2000, "not(" * 1000 + "a" + ")" * 1000])
def test_expressions_that_are_nested(text):
    with pytest.raises(BadInput, match=r"nested too deeply .allowed: 32 levels") as caught:
        selector(text)
    assert len(str(caught.value)) < 2000


def test_long_expressions():
    with pytest.raises(BadInput, match=r"-k: 100000 characters .allowed: 10000"):
        selector("a" * 100_000)
    names = " or ".join(f"x{i}" for i in range(1000))
    assert selector(names)("digits/x999/mlp")
    assert selector("(" * MAX_NESTING + "a" + ")" * MAX_NESTING)("a")
    assert selector("not (a) and not (b) and " * 40 + "not (c)")("d")
