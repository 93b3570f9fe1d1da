"""What is said of a results database that cannot be used: why, and what to do."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from privbench.errors import BadInput, PrivbenchError, StorageFailed
from privbench.storage.files import GOES_ON, file_limit, is_full, no_space, why_not_written

LOCK_TIMEOUT = 30.0
"""Seconds to wait for other processes that use the database."""


class Damaged(BadInput):
    """A database, or a value in it, is not as it was written."""


def damage_text(path: Path, problem: object) -> str:
    """Return what is said of a database that is damaged."""
    return (
        f"{path}: the database is damaged ({problem}); `privbench run NAME` sets it aside, saves what"
        " can be read, and makes the other rows again from stored artifacts, without computing them"
    )


def damaged_run_text(path: Path, number: int, flaw: str) -> str:
    """Return what is said of a run of which some values or rows are not as they were written."""
    return (
        f"{path}: run {number} is damaged ({flaw}); `privbench run NAME` makes its rows again from"
        " stored artifacts, without computing them"
    )


def code_of(error: BaseException) -> int:
    """Return SQLite's code of an error without its details; 0 if it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def explained(path: Path, error: Exception, *, writing: bool = False) -> PrivbenchError:
    """Return the error with a message that says what is wrong, and what to do."""
    wrong = StorageFailed if writing else BadInput
    if isinstance(error, PermissionError):
        return BadInput(f"{path}: {why_not_written(path, error)}")
    if isinstance(error, OSError):
        return wrong(f"{path}: {why_not_written(path, error)}; {GOES_ON}")
    match code_of(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            why = (
                f"another process has been using it for {LOCK_TIMEOUT:.0f} seconds (`fuser {path}` may"
                " say which); wait for it, or end it"
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN as code:
            why = _why_unusable(path, full=code == sqlite3.SQLITE_FULL)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return BadInput(f"{path}: {_why_not_permitted(path)}")
        case sqlite3.SQLITE_CONSTRAINT | sqlite3.SQLITE_TOOBIG | sqlite3.SQLITE_NOMEM:
            why = str(error)
        case _:
            return Damaged(damage_text(path, error))
    return wrong(f"{path}: {why}; {GOES_ON}" if writing else f"{path}: {why}")


def _why_unusable(path: Path, *, full: bool) -> str:
    """Return why a file cannot be opened or written, of which SQLite says only that it is so."""
    limit = file_limit()
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} (was it removed?)"
    if not path.exists():
        return "there is no such file (was it removed?)"
    if not path.is_file():
        return "it is not a file"
    if limit is not None:
        return f"a file would be larger than this shell allows ({limit} bytes; see `ulimit -f`)"
    if full or is_full(path.parent):
        return no_space(path.parent)
    if not all(os.access(place, os.R_OK | os.W_OK) for place in (path, path.parent)):
        return _why_not_permitted(path)
    return f"the disk of {path.parent} reports an error"


def _why_not_permitted(path: Path) -> str:
    """Return why a file cannot be read or written by this user."""
    if hasattr(os, "statvfs") and os.statvfs(path.parent).f_flag & os.ST_RDONLY:
        return f"{path.parent} is on a file system that is read-only"
    if not os.access(path, os.R_OK):
        return "it cannot be read by this user (permission denied)"
    if all(os.access(place, os.W_OK) for place in (path, path.parent)):
        return "its first bytes say that it is read-only: move it away, and run the command again"
    return "the file or its folder cannot be written by this user (permission denied)"
