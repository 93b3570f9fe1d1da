"""Whatever lies in an artifact's place, and whatever is done to the database, ends in no traceback."""

import errno
import logging
import os
import random
import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

from privbench.errors import BadInput, PrivbenchError, StorageFailed
from privbench.storage.artifact_files import MAX_NOTE
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.history import History
from privbench.storage.results import COLUMNS, Results
from privbench.storage.times import Time, Times

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "faults"))
from database import DAMAGES as OF_DATABASES
from files import DAMAGES as OF_FILES

sys.path.pop(0)
KEY = "k" * 64
ROW = dict.fromkeys(COLUMNS) | {"benchmark": "b", "auc": 0.5, "status": "ok", "auc_ci": [0.1, 0.2]}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    for key in (KEY, "o" * 64):
        arrays = {"a": np.arange(float(ord(key[0])))}
        store.save("scores", key, Artifact(arrays, {"n": 1}), seconds=1.0, provenance=None)
    return store


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
@pytest.mark.parametrize("damage", OF_FILES, ids=lambda damage: damage.__name__)
def test_what_lies_in_an_artifacts_place(store, tmp_path, caplog, damage, suffix):
    path = tmp_path / "artifacts" / "scores" / (KEY + suffix)
    damage(path, random.Random(0))
    if damage.__name__ == "unreadable" and os.geteuid() == 0:
        pytest.skip("root can read every file")
    with caplog.at_level(logging.WARNING, "privbench"):
        assert Store(tmp_path).load("scores", KEY) is None
    assert ("computing it again" in caplog.text) == (damage.__name__ != "gone")
    Store(tmp_path).save("scores", KEY, Artifact(info={"n": 2}), seconds=1.0, provenance=None)
    assert Store(tmp_path).load("scores", KEY).info == {"n": 2}
    assert Store(tmp_path).load("scores", "o" * 64).info == {"n": 1}


def test_a_note_of_which_too_much_would_be_read(store, tmp_path, caplog):
    os.truncate(tmp_path / "artifacts" / "scores" / f"{KEY}.json", MAX_NOTE + 1)
    assert not Store(tmp_path).has("scores", KEY)
    assert f"it has {MAX_NOTE + 1} bytes" in caplog.text


def test_what_was_set_aside_before_is_kept(store, tmp_path):
    path = tmp_path / "artifacts" / "scores" / f"{KEY}.json"
    for text in ("one", "two", "three"):
        path.write_text(text)
        assert not Store(tmp_path).has("scores", KEY)
    kept = sorted(path.parent.glob("*.json.damaged*"))
    assert [file.read_text() for file in kept] == ["one", "two", "three"]


def test_a_results_folder_that_is_gone_is_not_made_again(store, tmp_path):
    store.root = tmp_path / "gone" / "artifacts"
    with pytest.raises(StorageFailed, match=r"there is no folder .*gone"):
        store.save("scores", KEY, Artifact(info={"n": 1}), seconds=1.0, provenance=None)
    assert not (tmp_path / "gone").exists()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A database of three runs."""
    root = tmp_path_factory.mktemp("sound")
    results = Results(root)
    for _ in range(3):
        run = results.start_run("b", {"commit": "c"}, n_trials=4)
        for position in range(4):
            results.add(run, [ROW | {"seed": position}], position=position)
        results.finish_run(run, 1.0)
    Times(root).add([Time("a", "b", "c", "d", "e", 1, 2, 3.0, "cpu", 1.0, 5)])
    return results.path


@pytest.mark.parametrize("seed", range(len(OF_DATABASES)))
def test_a_damaged_database(sound, tmp_path, seed):
    """What can be shown is right, or refused; a run starts in any case, and its rows are right."""
    results = Results(tmp_path)
    shutil.copyfile(sound, results.path)
    damage = OF_DATABASES[seed]
    damage(results.path, random.Random(seed))
    for show in (
        lambda: results.rows("b"),
        lambda: History(tmp_path).entries(),
        results.benchmarks,
    ):
        try:
            shown = show()
        except BadInput as error:
            assert str(results.path) in str(error)  # noqa: PT017
        else:
            if shown and isinstance(shown[0], dict):
                assert [row["seed"] for row in shown] == [0, 1, 2, 3]
    try:
        Times(tmp_path).all()
        run = Results(tmp_path).start_run("b", {}, n_trials=1)
    except PrivbenchError as error:
        assert damage.__name__ in ("version", "header", "not_a_file"), error  # noqa: PT017
        return
    results.add(run, [ROW | {"seed": 7}])
    results.finish_run(run)
    assert [row["seed"] for row in results.run(run).rows] == [7]


def test_whole_runs_of_a_damaged_database_are_saved(tmp_path, caplog):
    results = Results(tmp_path)
    for name in ("b", "c", "d"):
        run = results.start_run(name, {}, n_trials=1)
        results.add(run, [ROW | {"benchmark": name}])
        results.finish_run(run)
    with sqlite3.connect(results.path) as database:
        database.execute("DROP TRIGGER rows_are_append_only")
        database.execute("UPDATE rows SET auc = 0.75 WHERE run_id = 2")
        database.execute("DROP TABLE times")
    database.close()
    assert len(results.rows("b")) == 1
    with pytest.raises(BadInput, match=r"run 2 is damaged \(a row was changed"):
        results.rows("c")
    with caplog.at_level(logging.WARNING, "privbench"):
        assert results.start_run("c", {}) == 4
    assert "set aside as results.sqlite.damaged; 2 runs saved, 1 run lost" in caplog.text
    assert results.benchmarks() == ["b", "d"]
    assert (tmp_path / "results.sqlite.damaged").exists()


MISSING = "rows of a trial are missing, or there twice"
CHANGES = {
    "a row is deleted": ("DELETE FROM rows WHERE rowid = 5", MISSING),
    "a row is there twice": ("INSERT INTO rows SELECT * FROM rows WHERE rowid = 5", MISSING),
    "a row moves to another trial": ("UPDATE rows SET position = 2 WHERE rowid = 5", MISSING),
    "two trials change places": ("UPDATE rows SET position = 3 - position", MISSING),
    "a trial's checksum is changed": (
        "UPDATE rows SET trial_checksum = 'x' WHERE rowid = 5",
        MISSING,
    ),
    "a trial is deleted": ("DELETE FROM rows WHERE position = 2", "trials are missing"),
}


@pytest.mark.parametrize("was_migrated", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_sql_takes_away_or_adds_are_noticed(tmp_path, change, was_migrated):
    """Each row that is left is as it was written, so that its own checksum says nothing."""
    statement, flaw = CHANGES[change]
    results = Results(tmp_path)
    run = results.start_run("b", {}, n_trials=4)
    for position in range(4):
        results.add(run, [ROW | {"seed": seed} for seed in range(3)], position=position)
    results.finish_run(run, 1.0)
    if was_migrated:
        _back_to_schema_11(results.path)
    assert len(results.rows("b")) == 12
    with sqlite3.connect(results.path) as database:
        database.execute("DROP TRIGGER rows_are_append_only")
        database.execute("DROP TRIGGER rows_of_deleted_runs_may_go")
        database.execute(statement)
    database.close()
    with pytest.raises(BadInput, match=rf"run {run} is damaged \({flaw}"):
        results.rows("b")
    # If the database is set aside for another reason, such a run is not saved.
    with sqlite3.connect(results.path) as database:
        database.execute("DROP TABLE times")
    database.close()
    results.start_run("b", {})
    assert results.benchmarks() == []


def _back_to_schema_11(path):
    with sqlite3.connect(path) as database:
        database.execute("DROP TRIGGER rows_are_append_only")
        database.execute("ALTER TABLE rows DROP COLUMN trial_checksum")
        database.execute(
            "CREATE TRIGGER rows_are_append_only BEFORE UPDATE ON rows"
            " BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END"
        )
        database.execute("PRAGMA user_version = 11")
    database.close()


def test_rows_that_are_added_to_a_trial_later_are_shown(tmp_path):
    results = Results(tmp_path)
    run = results.start_run("b", {})
    for seed in range(3):
        results.add(run, [ROW | {"seed": seed}])
    assert [row["seed"] for row in results.rows("b")] == [0, 1, 2]


def test_a_run_whose_database_was_replaced_says_so(tmp_path):
    results = Results(tmp_path)
    run = results.start_run("b", {})
    results.path.unlink()
    with pytest.raises(StorageFailed, match="there is no such file"):
        results.add(run, [ROW])
    Results(tmp_path).start_run("c", {})
    with pytest.raises(StorageFailed, match="run 7 is not in the database any more"):
        results.add(7, [ROW])


def test_a_folder_that_this_user_may_not_write_is_bad_input(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("privbench.storage.database.make_file", refuse)
    with pytest.raises(BadInput, match="may not be written by this user"):
        Results(tmp_path).start_run("b", {})


def test_a_clock_that_is_set_back_makes_no_run_shorter(tmp_path, monkeypatch):
    results = Results(tmp_path)
    run = results.start_run("b", {})
    results.add(run, [ROW])

    class Yesterday:
        @staticmethod
        def now(zone):
            from datetime import datetime, timedelta

            return datetime.now(zone) - timedelta(days=1)

    monkeypatch.setattr("privbench.storage.results.datetime", Yesterday)
    results.finish_run(run)
    found = results.run("b")
    assert found.started_at <= found.finished_at
