"""Append JSON lines to a file of bounded size; a file that cannot be written stops nobody."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from privbench.escape import json_text
from privbench.logs.records import time_text

LIMIT = 32 * 2**20
"""Bytes of a file. When it has as many, lines in its middle are left out."""
HEAD, TAIL = 1 / 32, 1 / 2
"""The shares of the limit that stay then: the beginning, where versions are, and the end."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)

log = logging.getLogger(__name__)


class LogFile:
    """The file of a log, which is made anew."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self.limit = limit
        self._fd: int | None = None
        self._size = self._n_left_out = 0
        self._is_torn = False
        self._has_warned = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # An old file is that of a database that was deleted: numbers of runs are not used again.
            path.unlink(missing_ok=True)
            self._fd = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            self._warn(error)

    def write(self, values: Mapping[str, Any]) -> None:
        """Append a line; if it cannot be written, a warning says so once."""
        if self._fd is None:
            return
        line = json_line(values)
        try:
            self._append(line.encode())
        except OSError as error:  # the next line is tried again
            self._warn(error)
        if self._size > self.limit:
            try:
                self._shorten()
            except OSError as error:
                self.close()
                self._warn(error)

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def _append(self, data: bytes) -> None:
        assert self._fd is not None
        if self._is_torn:  # the last line was cut off by a full disk
            data = b"\n" + data
        written = os.write(self._fd, data)
        self._is_torn = written < len(data)
        self._size += written

    def _shorten(self) -> None:
        """Leave out lines in the middle of the file; a reader that has it open keeps the old one."""
        assert self._fd is not None
        content = self.path.read_bytes()
        head = content[: content.rfind(b"\n", 0, int(self.limit * HEAD)) + 1]
        tail = content[content.find(b"\n", len(content) - int(self.limit * TAIL)) + 1 :]
        is_first = self._n_left_out == 0  # later ones leave out the note of the one before
        n_lines = content.count(b"\n") - head.count(b"\n") - tail.count(b"\n")
        self._n_left_out += n_lines - (not is_first)
        size = f"{self.limit / 2**20:g} MiB"
        text = f"{self._n_left_out:,} lines were left out here: a log has at most {size}"
        note = {
            "time": time_text(os.stat(self.path).st_mtime),
            "level": "warning",
            "logger": __name__,
            "message": text,
        }
        partial = self.path.with_suffix(f".{os.getpid()}")
        partial.unlink(missing_ok=True)
        new = os.open(partial, _FLAGS, 0o666)
        try:
            n_bytes = sum(os.write(new, part) for part in (head, json_line(note).encode(), tail))
            partial.replace(self.path)
        except OSError:
            os.close(new)
            partial.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd, self._size = new, n_bytes

    def _warn(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning("%s: the log is not written: %s", self.path, error.strerror or error)


def json_line(values: Mapping[str, Any]) -> str:
    r"""Return JSON values on a line; characters that cannot be seen, or act on a terminal, are escapes.

    >>> json_line({"message": "a\x1b\u202e\n"})
    '{"message": "a\\u001b\\u202e\\n"}\n'
    """
    text = json.dumps(values, ensure_ascii=False)
    text = text if text.isascii() else json_text(values)
    return text.replace("\x7f", r"\u007f") + "\n"
