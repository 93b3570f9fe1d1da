"""The results database: one SQLite file with append-only rows, grouped by run."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privbench.errors import BadInput
from privbench.privacy.verdict import with_verdicts
from privbench.storage.columns import SCHEMA, Column, added_in

COLUMNS = tuple(column.name for column in SCHEMA)
"""The names of a row's values, in the JSON, in the DataFrame and in the database."""

Row = dict[str, Any]
"""A row of results: a value for each name in COLUMNS."""


def _definitions(columns: Sequence[Column]) -> str:
    return ", ".join(column.definition for column in columns)


MIGRATIONS = (
    f"""
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        benchmark TEXT NOT NULL,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        environment TEXT NOT NULL
    );
    CREATE TABLE rows (
        run_id INTEGER NOT NULL REFERENCES runs (id),
        {_definitions(added_in(1))},
        traceback TEXT
    );
    CREATE INDEX rows_by_run ON rows (run_id);
    CREATE TRIGGER rows_are_append_only BEFORE UPDATE ON rows
        BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
    """,
    """
    ALTER TABLE runs ADD COLUMN remark TEXT NOT NULL DEFAULT '';
    ALTER TABLE rows ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TRIGGER rows_are_never_deleted BEFORE DELETE ON rows
        BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
    """,
    "\n".join(f"ALTER TABLE rows ADD COLUMN {column.definition};" for column in added_in(4)),
    "\n".join(f"ALTER TABLE rows ADD COLUMN {column.definition};" for column in added_in(5)),
    "\n".join(f"ALTER TABLE rows ADD COLUMN {column.definition};" for column in added_in(6)),
    """
    ALTER TABLE runs ADD COLUMN configuration TEXT NOT NULL DEFAULT 'null';
    ALTER TABLE runs ADD COLUMN seconds REAL;
    """,
)
"""Script i migrates a database from schema version i to i + 1 (PRAGMA user_version)."""
NEWEST = """
    SELECT id, remark, started_at, finished_at, seconds, environment, configuration FROM runs
    WHERE benchmark = ? AND id IN (SELECT run_id FROM rows)
    ORDER BY finished_at IS NULL, id DESC LIMIT 1
"""
"""Selects the run that `Results.run` returns."""
LOCK_TIMEOUT = 30.0
"""Seconds to wait for other processes that write to the database."""


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

    def start_run(
        self,
        benchmark: str,
        environment: Mapping[str, Any],
        remark: str = "",
        configuration: Mapping[str, Any] | None = None,
    ) -> int:
        """Record the start of a run, and return its id; rows are added as trials finish.

        Args:
            benchmark: name of the benchmark.
            environment: versions, hardware and the commit of the code, as JSON values.
            remark: how the run differs from the benchmark in the file, such as ``population=8``.
            configuration: the resolved benchmark, as JSON values.
        """
        with self._open() as database:
            cursor = database.execute(
                "INSERT INTO runs (benchmark, started_at, environment, remark, configuration)"
                " VALUES (?, ?, ?, ?, ?)",
                (benchmark, _now(), json.dumps(environment), remark, json.dumps(configuration)),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def add(self, run: int, rows: Sequence[Row], traceback: str = "", position: int = 0) -> None:
        """Append the rows of a trial; ``position`` is the trial's place in the plan."""
        names = ", ".join(("run_id", *COLUMNS, "traceback", "position"))
        marks = ", ".join("?" * (len(COLUMNS) + 3))
        with self._open() as database:
            database.executemany(
                f"INSERT INTO rows ({names}) VALUES ({marks})",
                [
                    (
                        run,
                        *(column.to_sql(row[column.name]) for column in SCHEMA),
                        traceback,
                        position,
                    )
                    for row in rows
                ],
            )

    def finish_run(self, run: int, seconds: float | None = None) -> None:
        """Mark a run as complete, with the time that all stages behind its rows took."""
        with self._open() as database:
            database.execute(
                "UPDATE runs SET finished_at = ?, seconds = ? WHERE id = ?", (_now(), seconds, run)
            )

    def benchmarks(self) -> list[str]:
        """Return the names of the benchmarks that have rows, sorted."""
        if not self.path.exists():
            return []
        with self._open() as database:
            names = database.execute(
                "SELECT DISTINCT benchmark FROM runs WHERE id IN (SELECT run_id FROM rows) ORDER BY 1"
            )
            return [name for (name,) in names]

    def run(self, benchmark: str) -> Run:
        """Return one run of a benchmark, its rows with their verdicts.

        Which run:
            1. the newest one that is complete;
            2. without a complete one, the newest.

        Raises:
            BadInput: the benchmark has no rows.
        """
        if benchmark not in self.benchmarks():
            raise BadInput(
                f"no results of {benchmark!r} in {self.path}"
                f" (stored: {', '.join(self.benchmarks()) or 'nothing'}); run it first"
            )
        with self._open() as database:
            run, remark, started_at, finished_at, seconds, environment, configuration = (
                database.execute(NEWEST, (benchmark,)).fetchone()
            )
            stored = database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM rows WHERE run_id = ? ORDER BY position, rowid",
                (run,),
            )
            return Run(
                benchmark, remark, started_at, finished_at, seconds, json.loads(environment),
                json.loads(configuration), with_verdicts([_from_sql(values) for values in stored]),
            )  # fmt: skip

    def rows(self, benchmark: str) -> list[Row]:
        """Return the rows of the run that `run` returns, in the order of its plan.

        Raises:
            BadInput: the benchmark has no rows.
        """
        return list(self.run(benchmark).rows)

    def remark(self, benchmark: str) -> str:
        """Return how the run that `run` returns differs from the benchmark in the file."""
        return self.run(benchmark).title_remark

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=LOCK_TIMEOUT)) as database, database:
                _use_wal(database)
                _migrate(database, self.path)
                yield database
        except sqlite3.DatabaseError as error:
            raise BadInput(f"{self.path}: {error}") from None


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch to a write-ahead log, retrying while other processes use the file.

    SQLite does not apply its own timeout here: it refuses at once.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    if _version(database, path) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    # Read the version again under the lock: another process may have migrated meanwhile.
    for version in range(_version(database, path), len(MIGRATIONS)):
        for statement in _statements(MIGRATIONS[version]):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {version + 1}")
    database.commit()


def _version(database: sqlite3.Connection, path: Path) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise BadInput(f"{path} was written by a newer privbench (schema {version})")
    return version


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script, each of which must end at the end of a line.

    ``executescript`` would commit the open transaction first.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _from_sql(values: Sequence[Any]) -> Row:
    return {
        column.name: column.from_sql(value) for column, value in zip(SCHEMA, values, strict=True)
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
