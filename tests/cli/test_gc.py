"""`privbench gc` says what it would free, frees it with --yes, and names wrong input."""

import errno
import json

import pytest

from privbench.errors import BadInput
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


def test_files_that_cannot_be_deleted_are_named(cli, config, store, monkeypatch):
    def delete(one):
        raise PermissionError(errno.EACCES, "Permission denied", str(one.files[0]))

    monkeypatch.setattr("privbench.storage.inventory.Stored.delete", delete)
    result = cli("gc", "--kind", "population", "--yes")
    assert result.exit_code == 2
    assert "not all was freed" in result.output
    assert "artifacts/population" in result.output


def test_nothing_is_freed_of_a_run_that_was_started_meanwhile(cli, config, store, monkeypatch):
    looks = iter([None, BadInput("run 1 goes on")])

    def refuse(root):
        if (error := next(looks)) is not None:
            raise error

    monkeypatch.setattr("privbench.garbage.refuse_while_running", refuse)
    assert cli("gc", "--kind", "population", "--yes").exit_code == 2
    assert store.has("population", "a")
