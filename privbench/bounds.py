"""Bounds on what is read of files that anybody may have written; docs/hostile-input.md lists them.

Honest files stay far below. Hostile ones would fill the memory or the stack, or be read for hours.
"""

from __future__ import annotations

import gzip
import zlib
from gzip import GzipFile
from pathlib import Path
from typing import Any

from privbench.errors import DataError

MIB = 2**20
FREE_BYTES = 32 * MIB
"""What any file may unpack to, however small it is."""
MAX_RATIO = 100
"""What a file that unpacks to more may unpack to, as a multiple of its own size. Tables and arrays of
real records reach 2 to 20; zeros reach 1,000 in gzip, and without bound in Parquet."""
MAX_NESTING = 32
"""Levels of lists and tables in TOML and JSON. The deepest of our own files have 8."""
MAX_KEY = 1000
"""Characters of a key, which messages show."""
MAX_TOML_BYTES = MIB
"""Size of benchmarks.toml; the one that ships with privbench has some 10 KiB."""
MAX_RUN_BYTES = 128 * MIB
"""Size of the file of a run, unpacked. A row takes 4 KiB, so that this is some 30,000 rows."""
MAX_COLUMNS = 16_384
"""Columns of a table, as many as a spreadsheet has. To look at one takes a millisecond. Arrays have no
such bound."""
MAX_MEMBERS = 10_000
"""Members of an archive."""
INT64 = 2**63
"""Integers lie in -INT64 .. INT64 - 1, as TOML has it and as databases and arrays hold them."""


def most_bytes(packed: int) -> int:
    """Return how many bytes a file of a size may unpack to."""
    return max(FREE_BYTES, MAX_RATIO * packed)


def too_large(where: str, unpacked: int | str, packed: int, instead: str) -> DataError:
    """Return the error for a file that unpacks to more than is allowed.

    Args:
        where: the file.
        unpacked: bytes that it unpacks to, or a text if that is not known.
        packed: bytes of the file.
        instead: what the user can do if the file is honest.
    """
    size = unpacked if isinstance(unpacked, str) else f"{unpacked / MIB:,.0f} MiB"
    return DataError(
        f"{where}: {packed / MIB:,.1f} MiB that unpack to {size} (allowed: {FREE_BYTES // MIB} MiB, or"
        f" {MAX_RATIO} times the size of the file); {instead}"
    )


class Unpacked:
    """A stream that unpacks another one, and stops where it is more than is allowed."""

    def __init__(self, stream: GzipFile, where: str, packed: int, instead: str) -> None:
        self._stream, self._where, self._packed, self._instead = stream, where, packed, instead
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises DataError beyond what is allowed."""
        left = most_bytes(self._packed) - self._read
        data = self._stream.read(left + 1 if size < 0 else min(size, left + 1))
        self._read += len(data)
        if len(data) > left:
            more = f"more than {self._read // MIB:,} MiB"
            raise too_large(self._where, more, self._packed, self._instead)
        return data


def gunzipped(path: Path) -> bytes:
    """Return the content of a file, unpacked if its name ends in ``.gz``.

    Raises:
        DataError: it unpacks to more than is allowed.
        OSError, EOFError, zlib.error: it cannot be read.
    """
    if path.suffix != ".gz":
        return path.read_bytes()
    with gzip.open(path, "rb") as stream:
        instead = "if it is no mistake, unpack the file and give that"
        return Unpacked(stream, str(path), path.stat().st_size, instead).read()


GZIP_ERRORS = (OSError, EOFError, zlib.error)
"""What `gunzipped` raises for a file that cannot be read."""


def problem_of_tree(content: Any) -> str:
    """Return what makes values of TOML or JSON unfit for use; empty if nothing does.

    Nested too deeply, they exhaust the stack of what walks them. Integers of more than 64 bits cannot
    be stored, and those of thousands of digits cannot even be printed.
    """
    waiting = [(content, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_NESTING:
            return f"nested too deeply (allowed: {MAX_NESTING} levels)"
        if isinstance(value, dict):
            if long := [key for key in value if len(key) > MAX_KEY]:
                return (
                    f"a key of {len(long[0])} characters, {long[0][:40]!r}... (allowed: {MAX_KEY})"
                )
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
        elif isinstance(value, int) and not -INT64 <= value < INT64:
            return f"an integer of {value.bit_length()} bits (allowed: 64 bits)"
    return ""
