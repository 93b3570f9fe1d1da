import errno
import json
import logging

import numpy as np
import pytest

from privbench.errors import StorageFailed
from privbench.storage.artifacts import Artifact, Store

KEY = "k" * 64


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def save(store, key=KEY):
    artifact = Artifact({"a": np.arange(6.0).reshape(2, 3).T, "b": np.array([True])}, {"n": 1})
    store.save("scores", key, artifact, seconds=1.5, provenance={"why": "test"})
    return artifact


def test_round_trip_through_another_store(store, tmp_path):
    artifact = save(store)
    other = Store(tmp_path)
    loaded = other.load("scores", KEY)
    assert loaded.info == {"n": 1}
    for name, array in artifact.arrays.items():
        assert (loaded.arrays[name] == array).all()
        assert loaded.arrays[name].dtype == array.dtype
    assert other.seconds("scores", KEY) == 1.5


def test_what_was_not_saved_is_not_there(store):
    assert not store.has("scores", KEY)
    assert store.load("scores", KEY) is None
    with pytest.raises(FileNotFoundError):
        store.info("scores", KEY)


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_damage_is_reported_set_aside_and_not_used(store, tmp_path, caplog, suffix, damage):
    save(store)
    path = tmp_path / "artifacts" / "scores" / (KEY + suffix)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-20] ^= 1
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING, "privbench"):
        assert Store(tmp_path).load("scores", KEY) is None
    assert "damaged" in caplog.text
    assert not path.exists()
    assert path.with_name(path.name + ".damaged").exists()


def test_arrays_without_their_note_do_not_count(store, tmp_path):
    save(store)
    (tmp_path / "artifacts" / "scores" / f"{KEY}.json").unlink()
    assert not Store(tmp_path).has("scores", KEY)


def test_a_note_under_another_key_does_not_count(store, tmp_path):
    save(store)
    folder = tmp_path / "artifacts" / "scores"
    (folder / f"{KEY}.json").rename(folder / f"{'x' * 64}.json")
    assert not Store(tmp_path).has("scores", "x" * 64)


def test_a_failing_write_leaves_nothing(store, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(StorageFailed, match=r"no space left in .* of .* are free"):
        save(store)
    assert list((tmp_path / "artifacts" / "scores").iterdir()) == []


def test_the_note_says_where_an_artifact_came_from(store, tmp_path):
    save(store)
    note = json.loads((tmp_path / "artifacts" / "scores" / f"{KEY}.json").read_text())
    assert note["provenance"] == {"why": "test"}
