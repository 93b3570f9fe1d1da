"""The SQLite file of a results folder, and how it is opened."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from privbench.errors import StorageFailed
from privbench.interrupt import shielded
from privbench.storage import problems
from privbench.storage.checksums import (
    FUNCTION,
    RUN_FACTS,
    TRIAL_FUNCTION,
    checksum_of,
    trial_checksum,
)
from privbench.storage.columns import SCHEMA
from privbench.storage.migrations import MIGRATIONS, make_file, migrate, version_of
from privbench.storage.problems import Damaged, code_of, damage_text, explained

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
            make_file(path)
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
            if version_of(database, path) == len(MIGRATIONS):
                yield database
                return
            with closing(with_functions(sqlite3.connect(":memory:"))) as copy:
                database.backup(copy)
                migrate(copy, path, backup=False)
                yield copy


@contextmanager
def _nothing() -> Iterator[str]:
    yield ""


def check(database: sqlite3.Connection, path: Path) -> None:
    """Check that a database has all tables and columns, and, if it is not large, that it is sound.

    Raises:
        Damaged: it is not.
    """
    columns = [column.name for column in SCHEMA]
    of_rows = ["run_id", *columns, "traceback", "position", "checksum", "trial_checksum"]
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
    _patiently(path, lambda: migrate(database, path, backup=True))


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return with_functions(sqlite3.connect(uri, uri=True, timeout=1.0))


def with_functions(database: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection that knows the functions of the schema."""
    database.create_function(FUNCTION, -1, lambda *values: checksum_of(values), deterministic=True)
    database.create_function(TRIAL_FUNCTION, 2, _of_trial, deterministic=True)
    return database


def _of_trial(position: int, checksums: str) -> str:
    return trial_checksum(position, checksums.split(","))


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
