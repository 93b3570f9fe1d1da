"""A first benchmarks.toml: valid whatever a table is called, and of a size that fits it."""

import tomllib
from pathlib import Path

import pytest

from privbench.draft import Found, benchmark_of, example
from privbench.draft.text import MAX_POOL, Size

HOSTILE = 'a"b\\c\x7f\u2028d\n[benchmarks.evil]'


def found(path="people.csv", n=1000, **params):
    reasons = {key: [f"because of {value}"] for key, value in params.items()}
    return Found(Path(path), "label", "guessed", params, reasons, n, 2, 5)


@pytest.mark.parametrize("n", [10, 30, 240, 1000, 5000, 40_000, 10**6])
def test_the_size_fits_the_records(n):
    size = Size.of(n)
    assert 4 <= size.pool <= min(n - 2, MAX_POOL)
    assert 1 <= size.public <= (n - size.pool) // 2 + 1
    assert 1 <= size.private_batch_size <= max(8, size.train)
    steps = 16 * size.epochs * size.train / size.batch_size
    assert steps < 40_000  # of 16 small networks: a minute or two


def test_each_parameter_has_its_reason_above_it():
    _, text = benchmark_of(found(missing="median", drop=["id", "x"]), Path())
    lines = text.splitlines()
    for setting, reason in (
        ('missing = "median"', "# because of median"),
        ('drop = ["id", "x"]', "# because of ['id', 'x']"),
    ):
        assert lines[lines.index(setting) - 1] == reason


def test_names_of_a_table_cannot_write_anything_else():
    one = found("a.csv", drop=[HOSTILE])
    one.label = HOSTILE
    name, text = benchmark_of(one, Path())
    content = tomllib.loads(text)
    assert list(content["benchmarks"]) == [name] == ["a"]
    (dataset,) = content["benchmarks"]["a"]["datasets"]
    assert (dataset["label"], dataset["drop"]) == (HOSTILE, [HOSTILE])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/My Table (1).csv.gz", "my-table-1"),
        ("adult.parquet", "adult"),
        ("quickstart.csv", "my-quickstart"),
        ("表.csv", "mine"),
    ],
)
def test_the_benchmark_has_a_name_of_its_own(path, name):
    given, text = benchmark_of(found(path), Path(), ["quickstart"])
    assert given == name
    assert list(tomllib.loads(text)["benchmarks"]) == [name]


def test_the_path_starts_at_the_folder_of_the_file(tmp_path):
    _, text = benchmark_of(found(tmp_path / "data" / "x.csv"), tmp_path / "benchmarks")
    (dataset,) = tomllib.loads(text)["benchmarks"]["x"]["datasets"]
    assert dataset["path"] == "../data/x.csv"


def test_the_example_defines_a_defense_and_uses_it():
    name, text = example()
    content = tomllib.loads(text)
    defense = content["benchmarks"][name]["defenses"][-1]
    assert defense["name"] in content["defenses"]
