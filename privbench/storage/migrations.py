"""The schema of the results database, step by step, and how an older one is brought to it."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from privbench.errors import BadInput
from privbench.storage.checksums import FUNCTION, RUN_FACTS, TRIAL_FUNCTION
from privbench.storage.columns import SCHEMA, Column, added_in
from privbench.storage.problems import Damaged, damage_text

log = logging.getLogger(__name__)


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
    # SQLite notices pages that are damaged, and not values: these have checksums.
    f"""
    ALTER TABLE rows ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    DROP TRIGGER rows_are_append_only;
    UPDATE rows SET checksum = {FUNCTION}({", ".join(c.name for c in SCHEMA if c.since < 11)});
    UPDATE runs SET checksum = {FUNCTION}({", ".join(RUN_FACTS)});
    CREATE TRIGGER rows_are_append_only BEFORE UPDATE ON rows
        BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
    """,
    # A row that is gone leaves no damaged value behind: the others of its trial say that it was there.
    f"""
    ALTER TABLE rows ADD COLUMN trial_checksum TEXT NOT NULL DEFAULT '';
    DROP TRIGGER rows_are_append_only;
    CREATE TEMP TABLE trials (
        run_id INTEGER, position INTEGER, checksum TEXT, PRIMARY KEY (run_id, position)
    ) WITHOUT ROWID;
    INSERT INTO trials
        SELECT run_id, position, {TRIAL_FUNCTION}(position, group_concat(checksum)) FROM rows
        GROUP BY run_id, position;
    UPDATE rows SET trial_checksum = (
        SELECT checksum FROM trials
        WHERE trials.run_id = rows.run_id AND trials.position = rows.position
    );
    DROP TABLE temp.trials;
    CREATE TRIGGER rows_are_append_only BEFORE UPDATE ON rows
        BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
    """,
)
"""Script i migrates a database from schema version i to i + 1 (PRAGMA user_version)."""


def make_file(path: Path) -> None:
    """Make an empty file, if there is none: SQLite would not let a group write that the umask lets."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o666))


def migrate(database: sqlite3.Connection, path: Path, *, backup: bool) -> None:
    """Bring a database to the newest schema; a copy of the older one is kept beside it."""
    if version_of(database, path) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Read the version again under the lock: another process may have migrated meanwhile.
        version = version_of(database, path)
        if backup and 0 < version < len(MIGRATIONS):
            _back_up(path, version)
        for script in MIGRATIONS[version:]:
            for statement in _statements(script):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        database.rollback()
        raise
    database.commit()


def _back_up(path: Path, version: int) -> None:
    """Copy a database of an older schema; the lock is on, so that nobody writes to it."""
    kept = path.with_name(f"{path.name}.schema-{version}")
    unfinished = path.with_name(f".tmp-{kept.name}")
    try:
        make_file(unfinished)
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(unfinished)) as copy:
            copy.execute("PRAGMA synchronous = OFF")
            old.backup(copy)
        os.replace(unfinished, kept)
    finally:
        unfinished.unlink(missing_ok=True)
    log.info(
        "%s is brought to schema %d; the old file is kept as %s", path, len(MIGRATIONS), kept.name
    )


def version_of(database: sqlite3.Connection, path: Path) -> int:
    """Return the version of a database's schema.

    Raises:
        Damaged: it has none.
        BadInput: it is that of a newer privbench.
    """
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version < 0:
        raise Damaged(damage_text(path, f"schema {version}"))
    if version > len(MIGRATIONS):
        raise BadInput(
            f"{path} was written by a newer privbench (schema {version}; this one knows up to"
            f" {len(MIGRATIONS)}): update privbench, or give another folder by --results"
        )
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
