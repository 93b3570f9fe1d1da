"""Reading benchmarks.toml, before its components are looked up."""

import pytest

from privbench.config import find_file, read_file
from privbench.config.file import shipped_file
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


def test_the_file_of_the_current_folder_adds_to_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = read_file(find_file())
    assert shipped.path == shipped_file()
    assert "quickstart" in shipped.benchmarks
    (tmp_path / "benchmarks.toml").write_text(BASE)
    file = read_file(find_file())
    assert set(file.own.benchmarks) == {"b"}
    assert list(file.benchmarks) == ["b", *shipped.benchmarks]
    assert set(file.defenses) == {"twice", "both", *shipped.defenses}
    assert file.origin("benchmarks", "b") == "benchmarks.toml"
    assert file.origin("benchmarks", "quickstart") == str(shipped_file())


def test_a_file_beside_the_shipped_one_is_the_same_wherever_it_is_named(tmp_path, monkeypatch):
    file = read_file(tmp_path / ".." / tmp_path.name / _linked(tmp_path))
    assert file.shipped is None


def _linked(folder):
    (folder / "linked.toml").symlink_to(shipped_file())
    return "linked.toml"


def test_ones_own_table_replaces_a_shipped_one_of_its_name_only_if_it_differs(tmp_path):
    path = tmp_path / "b.toml"
    path.write_text(
        BASE
        + shipped_file()
        .read_text()
        .partition("[benchmarks.quickstart]")[2]
        .join(["[benchmarks.quickstart]", ""])
        .partition("\n#")[0]
    )
    file = read_file(path)
    assert file.replaces("defenses", "vae-metric")
    assert file.defenses["vae-metric"].generator["latent_dim"] == 4
    assert not file.replaces("defenses", "both")  # which is not shipped
    assert "quickstart" in file.own.benchmarks
    assert not file.replaces("benchmarks", "quickstart")  # as it is shipped


def test_a_file_that_is_not_there():
    with pytest.raises(BadInput, match=r"nowhere\.toml"):
        find_file("nowhere.toml")
