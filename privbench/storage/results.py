"""The results database: one SQLite file, append-only rows, one group of rows for each run."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privbench.errors import BadInput

COLUMNS = (
    "benchmark",
    "dataset",
    "defense",
    "model",
    "attack",
    "observes",
    "knowledge",
    "subset",
    "seed",
    "status",
    "reason",
    "test_accuracy",
    "train_accuracy",
    "auc",
    "auc_ci",
    "tpr_at_fpr",
    "balanced_accuracy",
    "advantage",
    "guarantee",
    "audited_epsilon",
    "verdict",
    "column_fidelity",
    "pairwise_fidelity",
    "n_members",
    "n_nonmembers",
    "n_models",
    "seconds",
    "key",
)
"""The names of a row's values, in the JSON, in the DataFrame and in the database."""

STRUCTURED = ("auc_ci", "tpr_at_fpr", "guarantee")  # stored as JSON text
ADDED = ("observes", "audited_epsilon", "verdict", "column_fidelity", "pairwise_fidelity")
"""Columns that the first schema did not have."""
INTEGERS = ("seed", "n_members", "n_nonmembers", "n_models")
REALS = (
    "test_accuracy",
    "train_accuracy",
    "auc",
    "balanced_accuracy",
    "advantage",
    "audited_epsilon",
    "column_fidelity",
    "pairwise_fidelity",
    "seconds",
)

Row = dict[str, Any]


def _sql_type(column: str) -> str:
    return "INTEGER" if column in INTEGERS else "REAL" if column in REALS else "TEXT"


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
        {", ".join(f"{column} {_sql_type(column)}" for column in COLUMNS if column not in ADDED)},
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
    "\n".join(f"ALTER TABLE rows ADD COLUMN {column} {_sql_type(column)};" for column in ADDED),
)
"""Step i brings a database from schema version i to i + 1 (PRAGMA user_version)."""
PATIENCE = 30.0
"""Seconds that a process waits for others that write."""


class Results:
    """The rows of all runs below one results folder."""

    def __init__(self, root: Path) -> None:
        self.path = root / "results.sqlite"

    def start_run(self, benchmark: str, environment: Mapping[str, Any], remark: str = "") -> int:
        """Begin a run; its rows are added as trials finish.

        ``remark`` says how it differs from what the file says.
        """
        with self._open() as database:
            cursor = database.execute(
                "INSERT INTO runs (benchmark, started_at, environment, remark) VALUES (?, ?, ?, ?)",
                (benchmark, _now(), json.dumps(environment), remark),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def add(self, run: int, rows: Sequence[Row], traceback: str = "", position: int = 0) -> None:
        """Append rows; ``position`` is the trial's place in the plan."""
        names = ", ".join(("run_id", *COLUMNS, "traceback", "position"))
        marks = ", ".join("?" * (len(COLUMNS) + 3))
        with self._open() as database:
            database.executemany(
                f"INSERT INTO rows ({names}) VALUES ({marks})",
                [
                    (run, *(_to_sql(c, row[c]) for c in COLUMNS), traceback, position)
                    for row in rows
                ],
            )

    def finish_run(self, run: int) -> None:
        """Mark a run as complete."""
        with self._open() as database:
            database.execute("UPDATE runs SET finished_at = ? WHERE id = ?", (_now(), run))

    def benchmarks(self) -> list[str]:
        """Names of the benchmarks that have rows."""
        if not self.path.exists():
            return []
        with self._open() as database:
            found = database.execute(
                "SELECT DISTINCT benchmark FROM runs WHERE id IN (SELECT run_id FROM rows) ORDER BY 1"
            )
            return [name for (name,) in found]

    def rows(self, benchmark: str) -> list[Row]:
        """The rows of the newest complete run of a benchmark, else of its newest one."""
        if benchmark not in self.benchmarks():
            raise BadInput(
                f"no results of {benchmark!r} in {self.path}"
                f" (there are: {', '.join(self.benchmarks()) or 'none'}); run it first"
            )
        with self._open() as database:
            run, _, _ = _newest(database, benchmark)
            found = database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM rows WHERE run_id = ? ORDER BY position, rowid",
                (run,),
            )
            return [_from_sql(values) for values in found]

    def remark(self, benchmark: str) -> str:
        """How the run whose ``rows`` are given differs from what the file says."""
        with self._open() as database:
            _, remark, finished_at = _newest(database, benchmark)
        parts = [remark, "" if finished_at else "interrupted"]
        return ", ".join(part for part in parts if part)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as database, database:
                _use_wal(database)
                _migrate(database, self.path)
                yield database
        except sqlite3.DatabaseError as error:
            raise BadInput(f"{self.path}: {error}") from None


def _newest(database: sqlite3.Connection, benchmark: str) -> tuple[int, str, str | None]:
    """Id, remark and end of the newest complete run that has rows, else of the newest one."""
    run: tuple[int, str, str | None] = database.execute(
        "SELECT id, remark, finished_at FROM runs"
        " WHERE benchmark = ? AND id IN (SELECT run_id FROM rows)"
        " ORDER BY finished_at IS NULL, id DESC LIMIT 1",
        (benchmark,),
    ).fetchone()
    return run


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite refuses while others use the file, and does not wait."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    if _version(database, path) == len(MIGRATIONS):
        return
    # The version is read again under the lock: another process may have migrated meanwhile.
    database.execute("BEGIN IMMEDIATE")
    for step in range(_version(database, path), len(MIGRATIONS)):
        for statement in _statements(MIGRATIONS[step]):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {step + 1}")
    database.commit()


def _version(database: sqlite3.Connection, path: Path) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise BadInput(f"{path} was written by a newer privbench (schema {version})")
    return version


def _statements(script: str) -> Iterator[str]:
    """One by one, for ``executescript`` would commit first. Each ends at the end of a line."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _to_sql(column: str, value: Any) -> Any:
    return json.dumps(value) if column in STRUCTURED and value is not None else value


def _from_sql(values: Sequence[Any]) -> Row:
    row = dict(zip(COLUMNS, values, strict=True))
    for column in STRUCTURED:
        if row[column] is not None:
            row[column] = json.loads(row[column])
    return row


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
