"""Files that are written as a whole or not at all, and what is said if that fails."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from privbench.interrupt import shielded

GOES_ON = "what is stored is kept: run the same command again to go on"


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Write a file under a temporary name beside it, and rename that; a link is followed.

    It may be given in pieces. If anything goes wrong, the old file stays. The umask decides who may read
    a new file; a file that is replaced keeps its permissions. What is no file, such as ``/dev/stdout``,
    is written as it is, and so is a file in a folder where none can be made.

    Raises:
        OSError: it cannot be written.
    """
    mode = _mode_of(path)
    if mode is not None and not stat.S_ISREG(mode):
        _write_to(path, content)
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except PermissionError:
        if mode is None:
            raise
        _write_to(path, content)
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(content)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        with shielded():
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_to(path: Path, content: Iterable[bytes | memoryview]) -> None:
    with path.open("wb") as file:
        file.writelines(content)


def why_not_written(path: Path, error: OSError) -> str:
    """Return why a file could not be written, with the folder and its free space if that is why."""
    folder = _nearest(path.parent)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return no_space(folder)
        case errno.EFBIG:
            return f"the file would be larger than this shell allows ({_limit()}; see `ulimit -f`)"
        case errno.EROFS:
            return f"{folder} is on a file system that is read-only"
        case errno.EACCES | errno.EPERM:
            return f"{folder} may not be written by this user (permission denied)"
        case errno.ENOENT:
            return f"No such file or directory: there is no folder {path.parent} (was it removed?)"
        case errno.EIO:
            return f"the disk of {folder} reports an error"
    return f"{error.strerror or error}"


def no_space(folder: Path) -> str:
    """Return the message about a disk that is full."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return f"no space left in {folder}"
    return f"no space left in {folder} ({_size(usage.free)} of {_size(usage.total)} are free)"


def is_full(folder: Path, needed: int = 1_000_000) -> bool:
    """Return whether a disk has less than ``needed`` bytes left."""
    try:
        return shutil.disk_usage(_nearest(folder)).free < needed
    except OSError:
        return False


def file_limit() -> int | None:
    """Return the largest size in bytes of a file that this process may write; None for no limit."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return None
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _limit() -> str:
    limit = file_limit()
    return "its size has a limit" if limit is None else f"at most {_size(limit)}"


def _mode_of(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _size(n_bytes: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} bytes"
