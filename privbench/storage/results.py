"""The results database: one SQLite file with append-only rows, grouped by run."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from privbench.components.messages import near
from privbench.errors import BadInput, StorageFailed
from privbench.privacy.verdict import with_verdicts
from privbench.storage.checksums import (
    RUN_FACTS,
    checksum_of,
    flaw_of,
    flaw_of_rows,
    trial_checksum,
)
from privbench.storage.columns import SCHEMA
from privbench.storage.database import open_database, read_database
from privbench.storage.problems import Damaged, damaged_run_text
from privbench.storage.processes import this_process
from privbench.storage.salvage import repair

COLUMNS = tuple(column.name for column in SCHEMA)
"""The names of a row's values, in the JSON, in the DataFrame and in the database."""

Row = dict[str, Any]
"""A row of results: a value for each name in COLUMNS."""


NEWEST = """
    SELECT id FROM runs WHERE benchmark = ? AND EXISTS (SELECT 1 FROM rows WHERE run_id = runs.id)
    ORDER BY finished_at IS NULL, id DESC LIMIT 1
"""
"""Selects the run that `Results.run` returns for a benchmark."""
FACTS = (
    "benchmark", "remark", "started_at", "finished_at", "seconds", "environment", "configuration"
)  # fmt: skip
"""The fields of `Run` that the database holds beside the rows."""


@dataclass(frozen=True)
class Run:
    """A run of a benchmark: how it came about, and its rows in the order of the plan."""

    benchmark: str
    remark: str
    """How the run differs from the benchmark in the file, such as ``population=8``."""
    started_at: str
    finished_at: str | None
    """None if the run was interrupted."""
    seconds: float | None
    """Time that all stages behind the rows took when they were computed; None for older runs."""
    environment: Mapping[str, Any]
    """Versions, hardware and the commit of the code, as JSON values."""
    configuration: Mapping[str, Any] | None
    """The resolved benchmark as JSON values; None for older runs."""
    rows: Sequence[Row]

    @property
    def title_remark(self) -> str:
        """What a table says of the run beside the name of the benchmark."""
        parts = [self.remark, "" if self.finished_at else "interrupted"]
        return ", ".join(part for part in parts if part)


class Results:
    """The rows of all runs below one results folder."""

    def __init__(self, root: Path) -> None:
        self.path = root / "results.sqlite"
        self._started: dict[int, tuple[datetime, float]] = {}
        """When the runs of this process started, by the clock of the day and by one that never jumps."""

    def start_run(
        self,
        benchmark: str,
        environment: Mapping[str, Any],
        remark: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        command: str = "",
        n_trials: int | None = None,
    ) -> int:
        """Record the start of a run, and return its number; rows are added as trials finish.

        Args:
            benchmark: name of the benchmark.
            environment: versions, hardware and the commit of the code, as JSON values.
            remark: how the run differs from the benchmark in the file, such as ``population=8``.
            configuration: the resolved benchmark, as JSON values.
            command: the command line that was typed; empty for a run from Python.
            n_trials: number of trials of the plan.
        """
        began = datetime.now(UTC), time.monotonic()
        values: dict[str, Any] = {
            "benchmark": benchmark,
            "started_at": began[0].isoformat(timespec="seconds"),
            "environment": json.dumps(environment),
            "remark": remark,
            "configuration": json.dumps(configuration),
            "command": command,
            "n_trials": n_trials,
            "process": json.dumps(this_process()),
        }
        values["checksum"] = checksum_of(values[name] for name in RUN_FACTS)
        marks = ", ".join("?" * len(values))
        repair(self.path)
        with open_database(self.path, make=True) as database:
            cursor = database.execute(
                f"INSERT INTO runs ({', '.join(values)}) VALUES ({marks})", list(values.values())
            )
            assert cursor.lastrowid is not None
            self._started[cursor.lastrowid] = began
            return cursor.lastrowid

    def add(self, run: int, rows: Sequence[Row], traceback: str = "", position: int = 0) -> None:
        """Append the rows of a trial; ``position`` is the trial's place in the plan."""
        self.add_trials(run, [(rows, traceback, position)])

    def add_trials(self, run: int, trials: Iterable[tuple[Sequence[Row], str, int]]) -> None:
        """Append the rows of several trials at once, each with its traceback and place in the plan.

        Raises:
            StorageFailed: they cannot be written, or the database is not that of the run any more.
        """
        names = ("run_id", *COLUMNS, "traceback", "position", "checksum", "trial_checksum")
        stored = [line for trial in trials for line in _lines(run, *trial)]
        with open_database(self.path) as database:
            if not database.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
                raise StorageFailed(self._replaced(run))
            database.executemany(
                f"INSERT INTO rows ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                stored,
            )

    def finish_run(self, run: int, seconds: float | None = None) -> None:
        """Mark a run as complete, with the time that all stages behind its rows took.

        The time of its end is that of its start and what has passed since, whatever the clock says now.
        """
        start, monotonic = self._started.get(run, (datetime.now(UTC), time.monotonic()))
        end = start + timedelta(seconds=time.monotonic() - monotonic)
        with open_database(self.path) as database:
            changed = database.execute(
                "UPDATE runs SET finished_at = ?, seconds = ? WHERE id = ?",
                (end.isoformat(timespec="seconds"), seconds, run),
            ).rowcount
            if not changed:
                raise StorageFailed(self._replaced(run))

    def _replaced(self, run: int) -> str:
        return (
            f"{self.path}: run {run} is not in the database any more: it was removed or replaced; run"
            " the same command again to go on with the artifacts that are stored"
        )

    def benchmarks(self) -> list[str]:
        """Return the names of the benchmarks that have rows, sorted."""
        if not self.path.exists():
            return []
        with read_database(self.path) as database:
            names = database.execute(
                "SELECT DISTINCT benchmark FROM runs"
                " WHERE EXISTS (SELECT 1 FROM rows WHERE run_id = runs.id) ORDER BY 1"
            )
            return [name for (name,) in names]

    def run(self, benchmark: str | int) -> Run:
        """Return one run, its rows with their verdicts.

        Which run:
            1. the run of that number, if a number is given;
            2. the newest run of the benchmark that is complete;
            3. without a complete one, the newest.

        Raises:
            BadInput: the benchmark or the run has no rows.
        """
        number = benchmark if isinstance(benchmark, int) else self._newest(benchmark)
        if not self.path.exists():
            raise BadInput(f"there is no run {number} in {self.path}")
        with read_database(self.path) as database:
            names = ", ".join((*RUN_FACTS, "finished_at", "seconds", "checksum"))
            cursor = database.execute(f"SELECT {names} FROM runs WHERE id = ?", (number,))
            facts = named(cursor, cursor.fetchone())
            values = database.execute(
                f"SELECT position, checksum, trial_checksum, {', '.join(COLUMNS)} FROM rows"
                " WHERE run_id = ? ORDER BY position, rowid",
                (number,),
            ).fetchall()
        if not values or not facts:
            raise BadInput(f"run {number} in {self.path} has no rows")
        if flaw := flaw_of(facts) or flaw_of_rows(facts, values):
            raise Damaged(damaged_run_text(self.path, number, flaw))
        by_name = with_json({name: facts[name] for name in FACTS})
        return Run(**by_name, rows=with_verdicts([_from_sql(row[3:]) for row in values]))

    def _newest(self, benchmark: str) -> int:
        """Return the number of the newest run of a benchmark that is complete, or else the newest."""
        stored = self.benchmarks()
        if benchmark not in stored:
            raise BadInput(
                f"no results of {benchmark!r} in {self.path}{near(benchmark, stored)}"
                f" (stored: {', '.join(stored) or 'nothing'}); run it first"
            )
        with read_database(self.path) as database:
            (number,) = database.execute(NEWEST, (benchmark,)).fetchone()
        return int(number)

    def rows(self, benchmark: str) -> list[Row]:
        """Return the rows of the run that `run` returns, in the order of its plan.

        Raises:
            BadInput: the benchmark has no rows.
        """
        return list(self.run(benchmark).rows)

    def remark(self, benchmark: str) -> str:
        """Return how the run that `run` returns differs from the benchmark in the file."""
        return self.run(benchmark).title_remark


def _lines(run: int, rows: Sequence[Row], traceback: str, position: int) -> list[list[Any]]:
    """Return the rows of a trial as lines of the database, with their checksums."""
    values = [[column.to_sql(row[column.name]) for column in SCHEMA] for row in rows]
    checksums = [checksum_of(row) for row in values]
    of_trial = trial_checksum(position, checksums)
    return [
        [run, *row, traceback, position, checksum, of_trial]
        for row, checksum in zip(values, checksums, strict=True)
    ]


def _from_sql(values: Sequence[Any]) -> Row:
    return {
        column.name: column.from_sql(value) for column, value in zip(SCHEMA, values, strict=True)
    }


def named(cursor: sqlite3.Cursor, values: Sequence[Any] | None) -> dict[str, Any]:
    """Return what a query found by the names of its columns; nothing if it found nothing."""
    names = [name for name, *_ in cursor.description]
    return dict(zip(names, values, strict=True)) if values else {}


def with_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a run, of which those that are stored as JSON text are parsed."""
    parsed = ("environment", "configuration", "process")
    return {name: json.loads(v) if name in parsed else v for name, v in facts.items()}


def now() -> str:
    """Return the time as it is stored: ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
