"""Reading benchmarks.toml, before its components are looked up."""

import pytest

from privbench.config import find_file, read_file
from privbench.errors import BadInput

from .conftest import BASE, refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"population": "1"},
            ["b.toml", "benchmarks.b.population", "1", "greater than or equal to 2"],
        ),
        ({"population": '"many"'}, ["benchmarks.b.population", "'many'", "integer"]),
        ({"canaries": "0.9"}, ["benchmarks.b.canaries", "0.9", "less than or equal to 0.5"]),
        (
            {"canaries": '{ share = 0.1, kinds = ["twins"] }'},
            ["benchmarks.b.canaries.kinds[0]", "'twins'", "'mislabel', 'twin', 'blank'"],
        ),
        ({"canaries": "{ kinds = [] }"}, ["benchmarks.b.canaries.kinds", "at least 1"]),
        (
            {"canaries": "{ shares = 0.1 }"},
            ["benchmarks.b.canaries.shares", "did you mean 'share'?", "kinds, share"],
        ),
        (
            {"knowledge": '["clever"]'},
            ["benchmarks.b.knowledge", "'clever'", "'adaptive' or 'naive'"],
        ),
        ({"attacks": "[]"}, ["benchmarks.b.attacks", "at least 1"]),
        ({"attacks": '"loss"'}, ["benchmarks.b.attacks: 'loss' is no list", '["loss"]']),
        ({"attacks": "[3]"}, ["benchmarks.b.attacks[0]: 3 is neither a name nor a table"]),
        ({"seeds": '["a"]'}, ["benchmarks.b.seeds[0]: 'a' should be a valid integer"]),
        (
            {"populaton": "3"},
            ["benchmarks.b.populaton", "unknown key", "did you mean 'population'?"],
        ),
    ],
)
def test_mistakes_name_the_key_the_value_and_what_is_allowed(load, changes, words):
    assert "\n" not in refused(words, load, **changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", ["b.toml", "Invalid value"]),
        ("[benchmark.b]", ["benchmark", "did you mean 'benchmarks'?"]),
        ("[defenses.none]", ["b.toml: defenses.none", "empty pipeline", "another name"]),
        ("benchmarks = 3", ["benchmarks", "not a table"]),
        ("[benchmarks]\nb = 3", ["benchmarks.b", "not a table"]),
        ("[benchmarks.c]\ndatasets = ['digits']", ["benchmarks.c.models", "missing"]),
    ],
)
def test_malformed_files(load, text, words):
    refused(words, load, text)


def test_the_file_of_the_current_folder_comes_before_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "quickstart" in read_file(find_file()).benchmarks
    (tmp_path / "benchmarks.toml").write_text(BASE)
    assert set(read_file(find_file()).benchmarks) == {"b"}


def test_a_file_that_is_not_there():
    with pytest.raises(BadInput, match=r"nowhere\.toml"):
        find_file("nowhere.toml")
