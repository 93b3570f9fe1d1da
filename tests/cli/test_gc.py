"""`privbench gc` says what it would free, frees it with --yes, and names wrong input."""

import json

import pytest

from privbench.storage.artifacts import Artifact, Store


@pytest.fixture
def store(tmp_path):
    (tmp_path / "results").mkdir()
    store = Store(tmp_path / "results")
    for key in ("a", "b"):
        store.save("population", key, Artifact(info={}), seconds=1.0, provenance={"inputs": []})
    return store


def test_nothing_is_freed_without_yes(cli, config, store):
    result = cli("gc", "--unreachable")
    assert result.exit_code == 0, result.output
    assert "would free 2 artifacts" in result.stdout
    assert "nothing was freed: give --yes" in result.stdout
    assert store.has("population", "a")


def test_with_yes_it_is_freed(cli, config, store):
    found = json.loads(cli("gc", "--kind", "population", "--yes", "--json").stdout)
    assert found["freed"]
    assert sorted(line["key"] for line in found["chosen"]) == ["a", "b"]
    assert found["stored"][0]["use"] == "unreachable"
    assert json.loads(cli("gc", "--json").stdout)["stored"] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--older-than", "soon"), "--older-than soon"),
        (("--older-than", "-3d"), "--older-than -3d"),
        (("--larger-than", "much"), "--larger-than much"),
        (("--kind", "populations"), "--kind populations: none is stored (stored: population)"),
    ],
)
def test_wrong_input_is_named(cli, config, store, arguments, named):
    result = cli("gc", *arguments)
    assert result.exit_code == 2
    assert named in result.output
