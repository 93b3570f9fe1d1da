"""Shadow tables that are kept: the two CSV files of each, and a note that says what is in them.

The note is written last, so that a pair without one is not finished. What does not match its note, or is
no file, is set aside and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from privbench.datasets.frames import parse_frame
from privbench.datasets.reading import Content
from privbench.errors import StorageFailed
from privbench.storage.artifact_files import free_name
from privbench.storage.files import GOES_ON, why_not_written, write_whole
from privbench.storage.locks import alone
from privbench.storage.notes import decoded_note, encoded_note

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

MEMBERS = ".members"
"""What the name of a table of members has between the name of its shadow and its suffix."""
MAX_NOTE = 10_000
"""The most bytes of a note; those that are written have some 300."""


class KeptShadows:
    """The shadow tables of one generator in a folder, which several audits may use at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, index: int, texts: Collection[str]) -> pd.DataFrame | None:
        """Return what the generator released for a shadow; None if that is not there, or damaged.

        Args:
            index: the number of the shadow.
            texts: the columns of words, of which a file may look as if they were numbers.
        """
        members, released, note = self._paths(index)
        with alone(self.folder):
            if not os.path.lexists(note):
                return None
            content = self._verified(index)
            if content is not None:
                where = Content(str(released), content)
                return parse_frame(where, separator=",", decimal=".", text_columns=texts)
            log.warning("%s is damaged: set aside as .damaged, making it again", released)
            for path in (note, released, members):
                _set_aside(path)
        return None

    def write(self, index: int, members: pd.DataFrame, released: pd.DataFrame) -> None:
        """Keep what the generator released for a shadow, and the rows that it was run on.

        Raises:
            StorageFailed: it cannot be written, as on a full disk.
        """
        tables = [table.to_csv(index=False).encode() for table in (members, released)]
        contents = [*tables, self._note(index, tables)]
        with alone(self.folder):
            for path, content in zip(self._paths(index), contents, strict=True):
                try:
                    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
                        _set_aside(path)
                    write_whole(path, content)
                except OSError as error:
                    why = why_not_written(path, error)
                    raise StorageFailed(f"--cache: {path}: {why}; {GOES_ON}") from None

    def _paths(self, index: int) -> tuple[Path, Path, Path]:
        """Return where the members, the released table and the note of a shadow are."""
        name = f"shadow-{index:03}"
        return (
            self.folder / f"{name}{MEMBERS}.csv",
            self.folder / f"{name}.csv",
            self.folder / f"{name}.json",
        )

    def _verified(self, index: int) -> bytes | None:
        """Return what the generator released, if both tables are as they were written."""
        *tables, note = self._paths(index)
        try:
            sizes = decoded_note(_content(note, MAX_NOTE))["bytes"]
            contents = [_content(path, size) for path, size in zip(tables, sizes, strict=True)]
            intact = _content(note, MAX_NOTE) == self._note(index, contents)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return contents[1] if intact else None

    def _note(self, index: int, tables: Sequence[bytes]) -> bytes:
        """Return the note of a shadow with these tables; that of another shadow differs."""
        return encoded_note(
            {
                "key": self.folder.name,
                "shadow": index,
                "bytes": [len(table) for table in tables],
                "sha256": [hashlib.sha256(table).hexdigest() for table in tables],
            }
        )


def _content(path: Path, limit: int) -> bytes:
    """Return the content of a file.

    Raises:
        ValueError: it is a link, a folder, a pipe, larger than the limit, or cannot be read.
    """
    try:
        facts = path.lstat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= limit:
            return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    raise ValueError(f"{path}: is no file of at most {limit} bytes")


def _set_aside(path: Path) -> None:
    """Rename a file, or whatever else is there; what was set aside before is kept."""
    with contextlib.suppress(OSError):  # nothing is there, or the folder is read-only
        os.replace(path, free_name(path))
