"""The files of stored artifacts as they are read: nothing in them is trusted.

A file counts only if it is one, and has the size and checksum that its note says.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.storage import scratch, tensors
from privbench.storage.notes import decoded_note

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_NOTE = 2**26
"""The most bytes of a note. The largest that privbench writes are below a megabyte."""


class Damaged(Exception):
    """A file of an artifact cannot be used; the message says why."""


def read_note(path: str, kind: str, key: str) -> dict[str, Any]:
    """Return the note of an artifact, which is of that kind and key, and as it was written.

    Raises:
        Damaged: it is not, or it is no file.
        FileNotFoundError, NotADirectoryError: there is none.
    """
    try:
        with opened(path, MAX_NOTE) as file:
            note = decoded_note(file.read(MAX_NOTE + 1))
        intact = (note["kind"], note["key"]) == (kind, key)
        types = {"seconds": int | float, "arrays": str, "info": dict}
        intact = intact and all(isinstance(note[name], cls) for name, cls in types.items())
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, MemoryError):
        intact = False
    if not intact:
        raise Damaged("its note does not match its checksum")
    return dict(note)


def read_arrays(path: Path, note: Mapping[str, Any] | None) -> dict[str, NDArray[Any]]:
    """Return the arrays of the file that a note is of; another one is not read into memory.

    Args:
        path: the file.
        note: the note; None for a file that this process has just written.

    Raises:
        Damaged: it is another one, or no file.
        FileNotFoundError: there is none.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if note is not None:
            if note.get("bytes", size) != size:  # notes of older versions do not say it
                raise Damaged(f"its arrays have {size} bytes instead of {note['bytes']}")
            if hashlib.file_digest(file, "sha256").hexdigest() != note["arrays"]:
                raise Damaged("its arrays do not match their checksum")
        file.seek(0)
        is_mapped = scratch.MAPS and size >= scratch.LARGE
        content = scratch.mapped(file, size) if is_mapped else file.read()
    try:
        return tensors.views(content)
    except ValueError as error:  # it has the checksum of what was written: by another version
        raise Damaged(str(error)) from None


@contextmanager
def opened(path: str | Path, limit: int | None = None) -> Iterator[BufferedReader]:
    """Open a file to read; links are not followed, and a pipe is not waited for.

    Raises:
        Damaged: it is no file, cannot be read, or is larger than the limit.
        FileNotFoundError, NotADirectoryError: there is none.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
        with file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise Damaged("it is no file")
            if limit is not None and facts.st_size > limit:
                raise Damaged(f"it has {facts.st_size} bytes, where at most {limit} are read")
            yield file
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        problem = "it is a link" if os.path.islink(path) else f"{error.strerror}"
        raise Damaged(problem) from None


def free_name(path: Path) -> Path:
    """Return the name under which a file is set aside; what was set aside before is kept."""
    damaged = path.with_name(path.name + ".damaged")
    number = 1
    while os.path.lexists(damaged):
        number += 1
        damaged = path.with_name(f"{path.name}.damaged-{number}")
    return damaged
