"""Several runs on one results folder, a database that another program holds, clocks that jump."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing

from harness import Lab, Tally, rows_of

JUMP = """
import datetime, time
class Clock(datetime.datetime):
    began = time.monotonic()
    @classmethod
    def now(cls, tz=None):
        jumped = time.monotonic() - cls.began > {after}
        return datetime.datetime.fromtimestamp(time.time() + ({jump} if jumped else 0), tz)
import privbench.storage.results as results
results.datetime = Clock
real = time.time
time.time = lambda: real() + ({jump} if time.monotonic() - Clock.began > {after} else 0)
"""
"""A clock of the day that is set while a run goes on."""
SHORT = "import privbench.storage.problems as p; p.LOCK_TIMEOUT = 1.0"


def two_runs(lab: Lab, tries: int) -> Tally:
    """Two runs of the same benchmark."""
    return _together(lab, Tally(lab.name("two runs at once")), tries, 2)


def three_runs(lab: Lab, tries: int) -> Tally:
    """Three runs of the same benchmark."""
    return _together(lab, Tally(lab.name("three runs at once")), tries, 3)


def _together(lab: Lab, tally: Tally, tries: int, n: int) -> Tally:
    for number in range(tries):
        results = lab.folder / f"together-{n}-{number}"
        runs = []
        for _ in range(n):
            runs.append(lab.start(*lab.run_line(results.name)))
            time.sleep(lab.random.choice([0.0, 0.0, 0.05, 0.5]))
        for run in runs:
            outcome = lab.finish(run)
            tally.no_traceback(outcome)
            tally.ended("complete" if outcome.status == 0 else f"status {outcome.status}")
            tally.expect(outcome.status == 0, f"{outcome.status}: {outcome.text[-800:]}")
            tally.expect("damaged" not in outcome.err, outcome.err)
        with closing(sqlite3.connect(results / "results.sqlite")) as database:
            counts = database.execute("SELECT count(*) FROM rows GROUP BY run_id").fetchall()
        tally.expect(counts == [(len(lab.rows),)] * n, f"rows of the runs: {counts}")
        tally.expect(rows_of(results) == lab.rows, "other rows")
        shutil.rmtree(results)
    return tally


def locked(lab: Lab, tries: int) -> Tally:
    """A program that holds the lock of the database: for a while, or for good."""
    tally = Tally("locked database")
    for number in range(tries):
        with lab.copy(f"held-{number}") as results:
            path = results / "results.sqlite"
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute(lab.random.choice(["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"]))
                shown = lab.command("table", "--results", results)
                tally.no_traceback(shown)
                tally.expect(shown.status == 0, f"table: {shown.text[-600:]}")
                outcome = lab.run(results.name, code=SHORT)
                tally.no_traceback(outcome)
                tally.ended("says so after waiting")
                said = "another process has been using it" in outcome.err
                tally.expect(
                    outcome.status == 1 and said, f"{outcome.status}: {outcome.text[-600:]}"
                )
                run = lab.start(*lab.run_line(results.name))
                time.sleep(lab.random.uniform(0, 4))
                other.execute("ROLLBACK")
            outcome = lab.finish(run)
            tally.no_traceback(outcome)
            tally.ended("waits, and is complete")
            tally.expect(outcome.status == 0, f"{outcome.status}: {outcome.text[-600:]}")
            tally.expect(rows_of(results) == lab.rows, "other rows")
    return tally


def clock_jumps(lab: Lab, tries: int) -> Tally:
    """A clock that jumps by up to ten years, back or ahead, before a run or within it."""
    tally = Tally("clock jumps")
    for number in range(tries):
        results = lab.folder / f"clock-{number}"
        jump = lab.random.choice([-3e8, -86400, -3600, -5, 5, 3600, 3e8])
        first = lab.run(results.name)
        code = JUMP.format(
            jump=jump, after=lab.random.choice([0, lab.random.uniform(0, lab.seconds)])
        )
        if lab.random.random() < 0.5:
            shutil.rmtree(results / "artifacts")
        second = lab.run(results.name, "--set", "seeds=[0]", code=code)
        for outcome in (first, second):
            tally.no_traceback(outcome)
            tally.expect(outcome.status == 0, outcome.text[-600:])
        tally.ended("complete")
        with closing(sqlite3.connect(results / "results.sqlite")) as database:
            seconds = [s for (s,) in database.execute("SELECT seconds FROM times")]
            took = database.execute(
                "SELECT (julianday(finished_at) - julianday(started_at)) * 86400 FROM runs"
            ).fetchall()
        tally.expect(all(0 <= s < 600 for s in seconds), f"{jump}: seconds of stages: {seconds}")
        tally.expect(all(-0.1 <= s < 600 for (s,) in took), f"{jump}: a run took {took} s")
        listed = lab.command("runs", "--results", results)
        tally.no_traceback(listed)
        order = [line.split()[0] for line in listed.out.splitlines()[1:]]
        tally.expect(order == ["2", "1"], f"{jump}: the newest run is not the first: {listed.out}")
        tally.expect(
            "seeds=[0]" in lab.command("table", "--results", results).out, "not the newest"
        )
        tally.expect(rows_of(results) == lab.rows, f"{jump}: other rows")
        shutil.rmtree(results)
    return tally
