import sqlite3
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from privbench.errors import BadInput
from privbench.storage.database import with_functions
from privbench.storage.migrations import MIGRATIONS
from privbench.storage.results import COLUMNS, Results


def row(**values):
    return dict.fromkeys(COLUMNS) | {"benchmark": "b", "auc_ci": [0.1, 0.2], "seed": 0} | values


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


def add(results, finished=True, **values):
    run = results.start_run("b", {"python": "3"})
    results.add(run, [row(**values)])
    if finished:
        results.finish_run(run)


def test_rows_come_back_as_they_went_in(results):
    guarantee = {"kind": "dp", "epsilon": 1.0, "conditions": ["a"]}
    add(results, guarantee=guarantee, auc=0.75, status="ok", n_members=3)
    assert results.rows("b") == [row(guarantee=guarantee, auc=0.75, status="ok", n_members=3)]


def test_trials_that_finish_together_are_as_if_added_one_by_one(results):
    trials = [
        ([row(auc=i / 10, status="ok"), row(status="failed")], f"trace {i}", i) for i in (2, 0, 1)
    ]
    one_by_one, together = (results.start_run(name, {"python": "3"}) for name in "ab")
    for rows, trace, position in trials:
        results.add(one_by_one, rows, trace, position)
    results.add_trials(together, trials)
    database = sqlite3.connect(results.path)
    query = "SELECT auc, status, traceback, position FROM rows WHERE run_id = ?"
    first, second = (database.execute(query, (run,)).fetchall() for run in (one_by_one, together))
    database.close()
    assert first == second
    assert [one["auc"] for one in results.run(together).rows] == [0.0, None, 0.1, None, 0.2, None]


def test_verdicts_are_corrected_for_all_rows_of_the_run(results):
    """A p-value of .03 is significant alone, and not among two."""

    def audit(p_value):
        return {"claim": {"epsilon": 1.0, "delta": 1e-5}, "p_value": p_value, "method": "one-run"}

    add(results, audit=audit(0.03))
    assert [r["verdict"] for r in results.rows("b")] == ["refuted"]
    run = results.start_run("b", {})
    for p_value in (0.03, 0.5):  # two trials, each added when it finishes
        results.add(run, [row(audit=audit(p_value))])
    results.finish_run(run)
    assert [r["verdict"] for r in results.rows("b")] == ["consistent", "consistent"]


def test_the_newest_complete_run_counts(results):
    add(results, auc=0.1)
    add(results, auc=0.2)
    add(results, auc=0.3, finished=False)
    assert [r["auc"] for r in results.rows("b")] == [0.2]


def test_an_interrupted_run_counts_if_there_is_no_other(results):
    add(results, auc=0.3, finished=False)
    assert [r["auc"] for r in results.rows("b")] == [0.3]


def test_rows_come_in_the_order_of_the_plan(results):
    run = results.start_run("b", {})
    for position in (2, 0, 1):
        results.add(run, [row(auc=position / 10)], position=position)
    assert [r["auc"] for r in results.rows("b")] == [0.0, 0.1, 0.2]


def test_a_run_says_how_it_differs_from_the_file(results):
    run = results.start_run("b", {}, "population=4")
    results.add(run, [row()])
    assert results.remark("b") == "population=4, interrupted"
    results.finish_run(run)
    assert results.remark("b") == "population=4"


def test_a_run_has_all_that_it_was_started_with(results):
    run = results.start_run("b", {"commit": "c"}, "population=4", {"seeds": [0]})
    results.add(run, [row()])
    assert results.run("b").finished_at is None
    results.finish_run(run, 2.5)
    found = results.run("b")
    assert (found.environment, found.configuration) == ({"commit": "c"}, {"seeds": [0]})
    assert (found.remark, found.seconds, found.rows) == ("population=4", 2.5, [row()])
    assert found.started_at <= found.finished_at


def test_an_older_database_is_migrated(results):
    results.path.parent.mkdir(exist_ok=True)
    with sqlite3.connect(results.path) as database:
        database.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1;")
        database.execute("INSERT INTO runs VALUES (1, 'b', 'then', 'then', '{}')")
        database.execute("INSERT INTO rows (run_id, benchmark, auc) VALUES (1, 'b', 0.7)")
    database.close()
    add(results, finished=False)
    assert results.rows("b")[0]["auc"] == 0.7
    assert results.remark("b") == ""
    assert (results.run("b").configuration, results.run("b").seconds) == (None, None)


def test_an_unknown_benchmark(results):
    add(results)
    with pytest.raises(BadInput, match=r"no results of 'c'.*stored: b"):
        results.rows("c")
    results.add(results.start_run("quickstart", {}), [row(benchmark="quickstart")])
    with pytest.raises(BadInput, match="did you mean 'quickstart'"):
        results.rows("quikstart")


def test_rows_are_append_only_and_the_journal_is_a_wal(results):
    add(results)
    with sqlite3.connect(results.path) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute("UPDATE rows SET auc = 1")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute("DELETE FROM rows")
    database.close()
    assert len(results.rows("b")) == 1


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_runs_may_start_together_in_a_new_folder_or_on_an_old_schema(tmp_path, version):
    for repeat in range(3 if version in (0, len(MIGRATIONS) - 1) else 1):
        results = Results(tmp_path / str(repeat))
        results.path.parent.mkdir()
        if version:
            database = with_functions(sqlite3.connect(results.path))
            database.executescript(
                f"{';'.join(MIGRATIONS[:version])}; PRAGMA user_version = {version};"
            )
            database.close()
        together = Barrier(12)

        def start(_, results=results, together=together):
            together.wait(timeout=10)
            return results.start_run("b", {})

        with ThreadPoolExecutor(12) as pool:
            assert sorted(pool.map(start, range(12))) == list(range(1, 13))


def test_a_migration_that_fails_leaves_the_schema_as_it_was(results, monkeypatch):
    add(results)
    bad = "CREATE TABLE half (a);\nCREATE TABLE rows (a);\n"
    monkeypatch.setattr("privbench.storage.migrations.MIGRATIONS", (*MIGRATIONS, bad))
    with pytest.raises(BadInput, match="already exists"):
        results.rows("b")
    monkeypatch.undo()
    assert len(results.rows("b")) == 1


def test_a_newer_schema_and_a_file_that_is_no_database(results, tmp_path):
    add(results)
    with sqlite3.connect(results.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BadInput, match="newer privbench"):
        results.rows("b")
    other = Results(tmp_path / "other")
    other.path.parent.mkdir()
    other.path.write_text("this is no database, but it is long enough to be taken for one" * 20)
    with pytest.raises(BadInput, match=r"results\.sqlite"):
        other.rows("b")
