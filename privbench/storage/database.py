"""The SQLite file of a results folder: its schema, migrations, and how it is opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from privbench.errors import BadInput
from privbench.storage.columns import Column, added_in


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
    # A run that is deleted keeps its line in `runs`, so that no other run ever gets its number, and rows
    # that a process adds to it later are dropped.
    """
    ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN n_trials INTEGER;
    ALTER TABLE runs ADD COLUMN process TEXT NOT NULL DEFAULT 'null';
    ALTER TABLE runs ADD COLUMN deleted_at TEXT;
    DROP TRIGGER rows_are_never_deleted;
    CREATE TRIGGER rows_of_deleted_runs_may_go BEFORE DELETE ON rows
        WHEN (SELECT deleted_at FROM runs WHERE id = OLD.run_id) IS NULL
        BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
    CREATE TRIGGER deleted_runs_get_no_rows BEFORE INSERT ON rows
        WHEN (SELECT deleted_at FROM runs WHERE id = NEW.run_id) IS NOT NULL
        BEGIN SELECT RAISE(IGNORE); END;
    CREATE TABLE times (
        kind TEXT NOT NULL,
        components TEXT NOT NULL,
        dataset TEXT NOT NULL,
        context TEXT NOT NULL,
        variant TEXT NOT NULL,
        models INTEGER NOT NULL,
        records INTEGER NOT NULL,
        epochs REAL NOT NULL,
        device TEXT NOT NULL,
        seconds REAL NOT NULL,
        bytes INTEGER NOT NULL
    );
    """,
    "\n".join(f"ALTER TABLE rows ADD COLUMN {column.definition};" for column in added_in(9)),
    # What the list of runs counts is in the index, so that it reads no rows.
    """
    DROP INDEX rows_by_run;
    CREATE INDEX rows_by_run ON rows (run_id, position, status);
    """,
)
"""Script i migrates a database from schema version i to i + 1 (PRAGMA user_version)."""
LOCK_TIMEOUT = 30.0
"""Seconds to wait for other processes that write to the database."""


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read and write, in one transaction; its folder and schema are made.

    Raises:
        BadInput: it cannot be opened or written, or it is no database of this version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT)) as database, database:
            _use_wal(database)
            _migrate(database, path)
            yield database
    except (sqlite3.DatabaseError, OSError) as error:
        raise BadInput(f"{path}: {error}") from None


@contextmanager
def read_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that exists to read; one that cannot be written is read from a copy in memory.

    A reader of a write-ahead log writes, too, as do migrations. So without the permission to write there
    is no other way to read.

    Raises:
        BadInput: it cannot be read, or it is no database of this version.
    """
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT)) as database:
            try:
                _use_wal(database)
                _migrate(database, path)
            except sqlite3.OperationalError:
                pass
            else:
                yield database
                return
        with closing(_copied(path)) as database:
            _migrate(database, path)
            yield database
    except sqlite3.DatabaseError as error:
        raise BadInput(f"{path}: {error}") from None


def _copied(path: Path) -> sqlite3.Connection:
    """Return a copy of a database in memory.

    ``immutable`` is right without a log beside the file: whatever was written is in the file itself.
    """
    log = path.with_name(path.name + "-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    copy = sqlite3.connect(":memory:")
    uri = f"{path.absolute().as_uri()}?{mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT)) as database:
        database.backup(copy)
    return copy


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
