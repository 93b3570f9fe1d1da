"""Set a damaged database aside, and save the runs in it that can be read."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from privbench.storage.checksums import RUN_FACTS, flaw_of, flaw_of_rows
from privbench.storage.columns import SCHEMA
from privbench.storage.database import TIMES, check, open_database, read_database
from privbench.storage.locks import alone
from privbench.storage.problems import Damaged

log = logging.getLogger(__name__)

PARTS = ("", "-wal", "-shm")
"""What the names of the files of one database end in."""


def repair(path: Path) -> None:
    """Make a database that can be written to, if the one that is there is damaged.

    The damaged one is kept under another name. Its runs that are whole are copied into the new one, with
    their numbers.

    Raises:
        StorageFailed: the folder cannot be written to.
        BadInput: the database is of a newer version.
    """
    if not path.is_file():
        return
    with alone(path.parent):
        try:
            with read_database(path) as database:
                check(database, path)
            return
        except Damaged as error:
            problem = error
        aside = _set_aside(path)
        saved, lost = _save(aside, path)
    again = "run their benchmarks again, which computes nothing that is stored"
    others = f", {_runs(lost)} lost: {again}" if lost else ""
    kept = f"{_runs(saved)} saved{others}" if saved or lost else f"no run can be read: {again}"
    log.warning("%s", str(problem).partition("; ")[0])
    log.warning("it is set aside as %s; %s", aside.name, kept)


def _runs(n: int) -> str:
    return f"{n} run" if n == 1 else f"{n} runs"


def _set_aside(path: Path) -> Path:
    """Rename the files of a database, and return the new name."""
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    for part in PARTS:
        file = path.with_name(path.name + part)
        if file.exists():
            os.replace(file, aside.with_name(aside.name + part))
    return aside


def _save(damaged: Path, path: Path) -> tuple[int, int]:
    """Copy what can be read of a damaged database; return how many runs are saved, and how many not."""
    saved = lost = 0
    with open_database(path, make=True) as new, closing(sqlite3.connect(damaged)) as old:
        try:
            ids = [number for (number,) in old.execute("SELECT id FROM runs ORDER BY id")]
        except (sqlite3.Error, ValueError):  # text that is no UTF-8
            ids = []
        for number in ids:
            try:
                _copy_run(old, new, number)
                saved += 1
            except (sqlite3.Error, Damaged, ValueError, OverflowError):
                lost += 1
        try:
            times = old.execute(f"SELECT {', '.join(TIMES)} FROM times").fetchall()
        except (sqlite3.Error, ValueError):
            times = []
        new.executemany(_insert("times", TIMES), times)
    return saved, lost


def _copy_run(old: sqlite3.Connection, new: sqlite3.Connection, number: int) -> None:
    """Copy a run with its rows, if all of it is as it was written.

    Raises:
        Damaged, sqlite3.Error: it is not.
    """
    facts = ("id", *RUN_FACTS, "finished_at", "seconds", "deleted_at", "checksum")
    checked = ("position", "checksum", "trial_checksum", *(column.name for column in SCHEMA))
    of_rows = (*checked, "run_id", "traceback")
    run = old.execute(f"SELECT {', '.join(facts)} FROM runs WHERE id = ?", (number,)).fetchone()
    # Not by the index, which may be damaged as well.
    query = f"SELECT {', '.join(of_rows)} FROM rows NOT INDEXED WHERE run_id = ? ORDER BY rowid"
    rows = old.execute(query, (number,)).fetchall()
    by_name = dict(zip(facts, run, strict=True)) if run is not None else {}
    if not by_name or flaw_of(by_name):
        raise Damaged(f"run {number}")
    if flaw := flaw_of_rows(by_name, (row[: len(checked)] for row in rows)):
        raise Damaged(f"run {number}: {flaw}")
    # A run of which a row cannot be copied is left out as a whole.
    new.execute("SAVEPOINT run")
    try:
        new.execute(_insert("runs", facts), run)
        new.executemany(_insert("rows", of_rows), rows)
    except BaseException:
        new.execute("ROLLBACK TO run")
        raise
    new.execute("RELEASE run")


def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
