"""The SQLite file of a results folder: its schema, migrations, and how it is opened."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from privbench.errors import BadInput, StorageFailed
from privbench.interrupt import shielded
from privbench.storage import problems
from privbench.storage.checksums import FUNCTION, RUN_FACTS, checksum_of
from privbench.storage.columns import SCHEMA, Column, added_in
from privbench.storage.problems import Damaged, code_of, damage_text, explained


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
)
"""Script i migrates a database from schema version i to i + 1 (PRAGMA user_version)."""
TIMES = (
    "kind", "components", "dataset", "context", "variant", "models", "records", "epochs", "device",
    "seconds", "bytes",
)  # fmt: skip
"""The columns of the table of times."""
CHECKED_BYTES = 2**26
"""The largest database that is checked at the start of each run, in a few tenths of a second."""
SPEAK_AFTER = 2.0
"""Seconds of waiting after which a user is told."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@contextmanager
def open_database(path: Path, *, make: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a database to read and write, in one transaction, in which signals wait; it is migrated.

    Args:
        path: the file.
        make: whether to make the file and its folder if they are not there.

    Raises:
        StorageFailed: it cannot be written, as on a full disk.
        Damaged: it is damaged.
        BadInput: it is of a newer version, or this user may not write it.
    """
    try:
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
            _make_file(path)
        with closing(_connected(path, "rw")) as database:
            _prepare(database, path)
            _patiently(path, lambda: database.execute("BEGIN IMMEDIATE"))
            with shielded(), database:
                yield database
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        raise explained(path, error, writing=True) from None


@contextmanager
def read_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that exists to read; where nothing can be written, from a copy if need be.

    A reader of a write-ahead log writes, too, as do migrations.

    Raises:
        Damaged: it is damaged.
        BadInput: it cannot be read, or is of a newer version.
    """
    try:
        with closing(_connected(path, "rw")) as database:
            try:
                _prepare(database, path)
            except (sqlite3.OperationalError, StorageFailed) as error:
                if code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_ERROR):
                    raise
            else:
                yield database
                return
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if code_of(error) != sqlite3.SQLITE_CANTOPEN:
            raise explained(path, error) from None
    try:
        with _read_only(path) as database:
            yield database
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        raise explained(path, error) from None


@contextmanager
def _read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that cannot be written to.

    ``immutable`` is right without a log beside the file: whatever was written is in the file itself. A
    log that nobody is writing to cannot be read in a folder that cannot be written to.
    """
    log_file = path.with_name(path.name + "-wal")
    has_log = log_file.exists() and log_file.stat().st_size > 0
    with tempfile.TemporaryDirectory() if has_log else _nothing() as folder:
        if folder:
            for file in (path, log_file):
                shutil.copyfile(file, Path(folder) / file.name)
            database = _connected(Path(folder) / path.name, "rw")
        else:
            database = _connected(path, "ro&immutable=1")
        with closing(database):
            if _version(database, path) == len(MIGRATIONS):
                yield database
                return
            with closing(with_functions(sqlite3.connect(":memory:"))) as copy:
                database.backup(copy)
                _migrate(copy, path, backup=False)
                yield copy


@contextmanager
def _nothing() -> Iterator[str]:
    yield ""


def check(database: sqlite3.Connection, path: Path) -> None:
    """Check that a database has all tables and columns, and, if it is not large, that it is sound.

    Raises:
        Damaged: it is not.
    """
    of_rows = ["run_id", *(column.name for column in SCHEMA), "traceback", "position", "checksum"]
    of_runs = ["id", *RUN_FACTS, "finished_at", "seconds", "deleted_at", "checksum"]
    for table, names in (("rows", of_rows), ("runs", of_runs), ("times", TIMES)):
        database.execute(f"SELECT {', '.join(names)} FROM {table} LIMIT 0")
    query = "SELECT coalesce(max(run_id), 0) > (SELECT coalesce(max(id), 0) FROM runs) FROM rows"
    if database.execute(query).fetchone()[0]:  # they would become those of the next run
        raise Damaged(damage_text(path, "it has rows of a run that is gone"))
    if path.stat().st_size <= CHECKED_BYTES:
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise Damaged(damage_text(path, found))


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Switch to a write-ahead log and to the newest schema, waiting for other processes."""
    _patiently(path, lambda: database.execute("PRAGMA journal_mode = WAL").fetchone())
    _patiently(path, lambda: _migrate(database, path, backup=True))


def _make_file(path: Path) -> None:
    """Make an empty file, if there is none: SQLite would not let a group write that the umask lets."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o666))


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return with_functions(sqlite3.connect(uri, uri=True, timeout=1.0))


def with_functions(database: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection that knows the functions of the schema."""
    database.create_function(FUNCTION, -1, lambda *values: checksum_of(values), deterministic=True)
    return database


def _patiently(path: Path, call: Callable[[], T]) -> T:
    """Call until the database is not locked by another process, and say after a while what it is about.

    SQLite does not wait by itself to switch the journal, and Ctrl-C does not reach it while it waits.
    """
    began = time.monotonic()
    spoken = False
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            waited = time.monotonic() - began
            if code_of(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or (
                waited > problems.LOCK_TIMEOUT
            ):
                raise
            if waited > SPEAK_AFTER and not spoken:
                log.warning("%s is in use by another process; waiting for it", path)
                spoken = True
            time.sleep(0.01)


def _migrate(database: sqlite3.Connection, path: Path, *, backup: bool) -> None:
    """Bring a database to the newest schema; a copy of the older one is kept beside it."""
    if _version(database, path) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Read the version again under the lock: another process may have migrated meanwhile.
        version = _version(database, path)
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
        _make_file(unfinished)
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(unfinished)) as copy:
            copy.execute("PRAGMA synchronous = OFF")
            old.backup(copy)
        os.replace(unfinished, kept)
    finally:
        unfinished.unlink(missing_ok=True)
    log.info(
        "%s is brought to schema %d; the old file is kept as %s", path, len(MIGRATIONS), kept.name
    )


def _version(database: sqlite3.Connection, path: Path) -> int:
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
