"""Messages between the main process and a worker: a kind, a length and bytes.

The main process never waits for the rest of a message. A worker may die in the middle of one, while a
process that it has started holds its end of the connection open, so that nothing more comes, and no end.
"""

from __future__ import annotations

import socket
import struct
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from privbench.errors import StorageFailed
from privbench.storage import scratch
from privbench.storage.files import GOES_ON, why_not_written

if TYPE_CHECKING:
    from privbench.storage.tensors import Content

TASK, PROGRESS, RESULT = b"t", b"p", b"r"
"""Kinds of messages; `TASK` goes to a worker, and the others come from it."""
HEAD = struct.Struct("<cQ")
PROGRESS_SIZE = 16
"""Bytes of a message of progress: two integers."""
LARGEST = 2**40
"""Bytes of a result, at most."""
BLOCK = 2**20
AT_ONCE = 2**24
"""Bytes of a message that are read before others have their turn: more than a socket holds."""
PATIENCE = 60.0
"""Seconds within which a process has to read what it is sent, before it counts as ended."""


class NoMessage(Exception):
    """What was sent is no message."""


def send(connection: socket.socket, kind: bytes, *pieces: bytes | memoryview) -> None:
    """Send a message. Raises OSError if the other side does not read it."""
    connection.sendall(HEAD.pack(kind, sum(map(len, pieces))))
    for piece in pieces:
        connection.sendall(piece)


def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """Wait for a message, and return its kind and content. Raises EOFError if none is to come."""
    kind, size = HEAD.unpack(_exactly(connection, HEAD.size))
    return kind, _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        block = connection.recv(min(BLOCK, size - len(content)))
        if not block:
            raise EOFError
        content += block
    return bytes(content)


class Inbox:
    """The messages of a worker, as they come. Large ones are written to a file, which is mapped."""

    def __init__(self, connection: socket.socket, folder: Path | None) -> None:
        """Read nothing yet.

        Args:
            connection: the end of the main process, which does not block.
            folder: where files are made; None to keep all messages in memory.
        """
        self._connection = connection
        self._folder = folder
        self._head = b""
        self._body = bytearray()
        self._file: IO[bytes] | None = None
        self._size = 0

    def read(self) -> tuple[bytes, Content] | None:
        """Return a message, or None if the rest of it has not come yet; it does not wait.

        Raises:
            EOFError: the other side has closed the connection.
            NoMessage: what came is none.
            StorageFailed: a large message cannot be written.
        """
        budget = AT_ONCE
        while budget > 0:
            missing = self._missing
            if not missing:
                return self._message()
            try:
                block = self._connection.recv(min(BLOCK, missing))
            except BlockingIOError:
                return None
            if not block:
                raise EOFError
            budget -= len(block)
            self._take(block)
        return None if self._missing else self._message()

    @property
    def _missing(self) -> int:
        """How many bytes are missing to the head, or to the whole message."""
        return HEAD.size - len(self._head) or self._size - self._received

    @property
    def _received(self) -> int:
        return len(self._body) if self._file is None else self._file.tell()

    def _take(self, block: bytes) -> None:
        if len(self._head) < HEAD.size:
            self._head += block
            if len(self._head) == HEAD.size:
                self._begin()
        elif self._file is None:
            self._body += block
        else:
            self._written(block)

    def _begin(self) -> None:
        kind, self._size = HEAD.unpack(self._head)
        if kind == PROGRESS and self._size == PROGRESS_SIZE:
            return
        if kind != RESULT or self._size > LARGEST:
            raise NoMessage
        if self._folder is not None and self._size >= scratch.LARGE and scratch.MAPS:
            self._written(b"")

    def _written(self, block: bytes) -> None:
        assert self._folder is not None
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            left = memoryview(block)
            while left:  # a disk that is nearly full takes a part
                left = left[self._file.write(left) :]
        except OSError as error:
            why = why_not_written(self._folder / "temporary", error)
            raise StorageFailed(f"a result cannot be written: {why}; {GOES_ON}") from None

    def _message(self) -> tuple[bytes, Content]:
        content: Content = bytes(self._body)
        if self._file is not None:
            content = scratch.mapped(self._file, self._size)
        kind = self._head[:1]
        self.close()
        return kind, content

    def close(self) -> None:
        """Forget what has come of a message."""
        if self._file is not None:
            self._file.close()
        self._head, self._body, self._file, self._size = b"", bytearray(), None, 0
