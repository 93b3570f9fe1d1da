import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from privbench.errors import BadInput
from privbench.storage.history import LISTED, History, run_ids
from privbench.storage.processes import is_alive, this_process
from privbench.storage.results import COLUMNS, NEWEST, Results

ROW = dict.fromkeys(COLUMNS) | {"status": "ok", "seed": 0}


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


@pytest.fixture
def start(results):
    """Starts a run with a row of each status at each position, and ends it unless told not to."""

    def start(benchmark="b", trials=(("ok",),), finished=True, **more):
        run = results.start_run(benchmark, {"commit": "c"}, **more)
        for position, statuses in enumerate(trials):
            rows = [ROW | {"benchmark": benchmark, "status": status} for status in statuses]
            results.add(run, rows, position=position)
        if finished:
            results.finish_run(run, 2.5)
        return run

    return start


def dies(results, run):
    """Make the process of a run one that has ended."""
    process = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    database = sqlite3.connect(results.path)
    with database:
        text = f'{{"host": "{platform.node()}", "pid": {int(process.stdout)}, "start": "1"}}'
        database.execute("UPDATE runs SET process = ?, checksum = '' WHERE id = ?", (text, run))
    database.close()


def test_the_newest_run_comes_first(start, tmp_path):
    start()
    start("c", remark="population=4", configuration={"seeds": [0, 1]}, command="privbench run c")
    newest, oldest = History(tmp_path).entries()
    assert (newest.id, newest.benchmark, newest.remark) == (2, "c", "population=4")
    assert (newest.seeds, newest.command, newest.seconds) == ([0, 1], "privbench run c", 2.5)
    assert (oldest.id, oldest.seeds, oldest.environment) == (1, [], {"commit": "c"})


def test_trials_are_counted_by_their_rows(start, tmp_path):
    """A trial whose canaries are skipped has a result, and one of which a row failed has failed."""
    trials = (("ok", "skipped"), ("ok", "failed"), ("skipped",), ("unavailable",), ("timeout",))
    start(trials=trials, n_trials=6)
    (entry,) = History(tmp_path).entries()
    assert (entry.n_trials, entry.n_finished, entry.n_ok, entry.n_failed) == (6, 5, 2, 3)


def test_a_run_is_complete_or_goes_on_or_was_interrupted(start, results, tmp_path):
    start()
    going = start(finished=False)
    killed = start(finished=False, trials=())
    dies(results, killed)
    found = {entry.id: entry.status for entry in History(tmp_path).entries()}
    assert found == {1: "complete", going: "running", killed: "interrupted"}


def test_of_another_host_nothing_is_known():
    here = this_process()
    assert is_alive(here)
    assert is_alive(here | {"host": "elsewhere"}) is None
    assert is_alive(None) is None
    if here["start"] is not None:  # the number was given to another process
        assert is_alive(here | {"start": "1"}) is False


def test_a_number_or_a_benchmark_names_a_run(start, tmp_path):
    for finished in (True, True, False):
        start("quick", finished=finished)
    history = History(tmp_path)
    assert history.entry("1").id == 1
    assert history.entry("quick").id == 2  # the newest that is complete, as for tables
    for text in ("17", "quik", "-1", "1" * 40, "²"):
        with pytest.raises(BadInput, match=r"no such run.*allowed: 3, 2, 1, or a benchmark: quick"):
            history.entry(text)
    with pytest.raises(BadInput, match="did you mean 'quick'"):
        history.entry("quik")


def test_the_beginning_of_a_benchmark_is_enough_if_no_other_begins_so(start, tmp_path):
    for benchmark in ("quick", "quickstart", "location30", *("x" for _ in range(9))):
        start(benchmark)
    history = History(tmp_path)
    assert history.entry("loc").id == 3
    assert history.entry("quicks").id == 2
    assert history.entry("quick").id == 1, "a whole name comes first"
    with pytest.raises(BadInput, match="ID qu: several benchmarks begin so: quick, quickstart"):
        history.entry("qu")
    for number in ("0", "20"):  # 1 is not the beginning of 12, but a run
        with pytest.raises(BadInput, match="no such run"):
            history.entry(number)
    with pytest.raises(BadInput, match="no such run"):
        history.entry("")


def test_without_a_folder_there_are_no_runs_and_none_is_made(tmp_path):
    history = History(tmp_path / "nowhere")
    assert history.entries() == []
    assert run_ids(tmp_path / "nowhere") == {}
    with pytest.raises(BadInput, match="privbench run quickstart"):
        history.entry("1")
    assert not (tmp_path / "nowhere").exists()


def test_a_run_is_deleted_and_its_number_is_not_used_again(start, results, tmp_path):
    start()
    start(trials=(("ok",), ("ok",)))
    History(tmp_path).delete([2])
    assert [entry.id for entry in History(tmp_path).entries()] == [1]
    assert len(results.rows("b")) == 1
    with pytest.raises(BadInput, match="no rows"):
        results.run(2)
    assert start() == 3


def test_rows_that_come_after_a_deletion_are_dropped(start, results, tmp_path):
    """As from a process on another host, which is not known to go on."""
    start()
    run = start(finished=False)
    dies(results, run)
    History(tmp_path).delete([run])
    results.add(run, [ROW | {"benchmark": "b"}])
    results.finish_run(run)
    assert [entry.id for entry in History(tmp_path).entries()] == [1]
    assert len(results.rows("b")) == 1


def test_a_run_that_goes_on_is_not_deleted_nor_are_those_beside_it(start, results, tmp_path):
    start()
    run = start(finished=False)
    with pytest.raises(BadInput, match=f"run {run} goes on .process {os.getpid()}."):
        History(tmp_path).delete([1, run])
    assert len(History(tmp_path).entries()) == 2
    assert len(results.rows("b")) == 1


def test_completion_gets_numbers_and_what_they_are(start, tmp_path):
    start(remark="population=4")
    start("c")
    found = run_ids(tmp_path)
    assert list(found) == ["2", "1"]
    assert found["1"].startswith("b, 20")
    assert found["1"].endswith(", population=4")
    (tmp_path / "results.sqlite").write_text("no database" * 1000)
    assert run_ids(tmp_path) == {}


@pytest.fixture
def unprivileged():
    """A folder that others may enter; root, whom no permission stops, becomes nobody meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
        os.seteuid(os.getuid())
        os.chmod(folder, 0o755)


@pytest.mark.skipif(os.name != "posix", reason="permissions of files")
@pytest.mark.parametrize("version", [7, 8])
def test_a_folder_that_cannot_be_written_can_be_read(unprivileged, version):
    """Also one of an older privbench, which cannot be migrated in place."""
    results = Results(unprivileged)
    if version == 7:
        from privbench.storage.migrations import MIGRATIONS

        database = sqlite3.connect(results.path)
        database.executescript(f"{';'.join(MIGRATIONS[:7])}; PRAGMA user_version = 7;")
        database.execute("INSERT INTO runs VALUES (1, 'b', 'then', 'then', '{}', '', 'null', NULL)")
        database.execute("INSERT INTO rows (run_id, benchmark, status) VALUES (1, 'b', 'ok')")
        database.commit()
        database.close()
    else:
        results.add(results.start_run("b", {}), [ROW])
    os.chmod(results.path, 0o444)
    os.chmod(unprivileged, 0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    assert [entry.n_ok for entry in History(unprivileged).entries()] == [1]
    assert len(results.rows("b")) == 1
    with pytest.raises(BadInput, match=r"results\.sqlite"):
        History(unprivileged).delete([1])


def test_counts_are_those_of_a_slow_reference(start, tmp_path):
    rng = random.Random(17)
    statuses = ("ok", "failed", "skipped", "timeout", "unavailable")
    expected = {}
    for _ in range(20):
        trials = [rng.choices(statuses, k=rng.randint(1, 3)) for _ in range(rng.randint(0, 6))]
        sets = [set(trial) for trial in trials]
        expected[start(trials=trials)] = (
            len(trials),
            sum("ok" in one for one in sets),
            sum(bool(one & {"failed", "timeout", "unavailable"}) for one in sets),
        )
    deleted = rng.sample(sorted(expected), 5)
    History(tmp_path).delete(deleted)
    left = {number: counts for number, counts in expected.items() if number not in deleted}
    entries = History(tmp_path).entries()
    assert {e.id: (e.n_finished, e.n_ok, e.n_failed) for e in entries} == left


def test_the_list_of_runs_reads_an_index_and_no_rows(start, results):
    """With a million rows, they are gigabytes."""
    start()
    database = sqlite3.connect(results.path)
    queries = (LISTED.format(which=""), NEWEST.replace("?", "'b'"))
    for query in queries:
        steps = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {query}")]
        of_rows = [step for step in steps if step.split()[1] == "rows"]
        assert of_rows
        assert all("COVERING INDEX rows_by_run" in step for step in of_rows), steps
    database.close()
