"""One worker process, as the main process sees it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from privbench.executors.workers.family import has_ended, memory_of
from privbench.executors.workers.forking import fork_server
from privbench.executors.workers.loop import Setup, TaskMessage
from privbench.executors.workers.messages import (
    PATIENCE,
    RESULT,
    TASK,
    Inbox,
    NoMessage,
    send,
)

if TYPE_CHECKING:
    from privbench.storage.tensors import Content

LINE = 2**12
"""Bytes of a line of output that are shown at once."""
READS = 16
"""How often a pipe is read at once: enough for all that it holds."""


class WorkerEnded(Exception):
    """The worker has ended, or has sent what no worker sends. The message says how."""


class Worker:
    """A process that computes one task at a time.

    Nothing that it sends is unpickled or run.
    """

    def __init__(self, setup: Setup, folder: Path | None = None) -> None:
        """Start the process.

        Args:
            setup: how it is to be.
            folder: where large results are written; None to keep them in memory.

        Raises:
            OSError: it cannot be started.
        """
        self._server = fork_server()
        ours, theirs = socket.socketpair()
        self.output, printed = os.pipe()
        os.set_blocking(self.output, False)
        try:
            with theirs:
                self.pid = self._server.fork(theirs.fileno(), printed)
        except BaseException:
            ours.close()
            os.close(self.output)
            raise
        finally:
            os.close(printed)
        ours.setblocking(False)
        self.connection = ours
        self._inbox = Inbox(ours, folder)
        self._setup: Setup | None = setup  # which is sent with the first task
        self._rest = b""
        self.is_silent = False
        """Whether it has closed the pipe of what it prints."""
        self._is_closed = False

    def give(self, message: TaskMessage) -> None:
        """Send a task.

        Raises:
            WorkerEnded: it has ended.
        """
        try:
            self.connection.settimeout(PATIENCE)
            if self._setup is not None:
                send(self.connection, TASK, pickle.dumps(self._setup))
                self._setup = None
            send(self.connection, TASK, pickle.dumps(message))
            self.connection.setblocking(False)
        except OSError:
            raise WorkerEnded(self._end()) from None

    def receive(self) -> Content | tuple[int, int] | None:
        """Return the result of the task, or how many of its parts are done, and their total.

        It does not wait: None means that the rest of a message is still to come.

        Raises:
            WorkerEnded: there is no result to come.
            StorageFailed: a large result cannot be written.
        """
        is_dead = self.is_dead  # asked first: what it has sent before is all read by then
        try:
            message = self._inbox.read()
        except (EOFError, OSError):
            raise WorkerEnded(self._end()) from None
        except NoMessage:
            self.close()
            raise WorkerEnded("sent something that is no result") from None
        if message is None:
            if is_dead:
                raise WorkerEnded(self._end())
            return None
        kind, content = message
        if kind == RESULT:
            return content
        done, total = struct.unpack("<qq", content)
        return int(done), int(total)

    @property
    def is_dead(self) -> bool:
        """Whether the process has ended.

        Its connection does not say so as long as a process that it has forked holds it open.
        """
        return has_ended(self.pid)

    def printed(self) -> list[str]:
        """Return lines that were printed since the last call; some, if they come without an end."""
        with suppress(BlockingIOError):
            for _ in range(READS):
                content = os.read(self.output, 2**16)
                self._rest += content
                if not content:
                    self.is_silent = True
                    break
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > LINE or (self._is_closed and self._rest):
            lines, self._rest = [*lines, self._rest], b""
        return [line.decode(errors="backslashreplace") for line in lines]

    def resident(self) -> int:
        """Return the bytes of memory that it and the processes that it has started have in use."""
        return memory_of(self.pid)

    def close(self) -> None:
        """Kill the process and those that it has started."""
        if not self._is_closed:
            self._is_closed = True
            self._close_connection()
            self._kill()
            self._server.status(self.pid)  # so that it is no zombie

    def _end(self) -> str:
        """Return how the process has ended, or is about to; kill what is left of it."""
        self._is_closed = True
        self._close_connection()
        status = self._server.status(self.pid) if self._has_ended() else -1
        self._kill(itself=status == -1)
        if status == -1:
            self._server.status(self.pid)
            return "closed its connection"
        return _how(status)

    def _close_connection(self) -> None:
        self.connection.close()
        self._inbox.close()

    def _kill(self, *, itself: bool = True) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if itself:  # it may have left its group
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def dispose(self) -> None:
        """Close the pipe of what is printed, when everything has been read."""
        os.close(self.output)

    def _has_ended(self) -> bool:
        """Return whether the process has ended, or is about to."""
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            if has_ended(self.pid):
                return True
            time.sleep(0.01)
        return False


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        perhaps = ", perhaps for memory" if number == signal.SIGKILL else ""
        return f"was killed by signal {number} ({name}){perhaps}"
    return f"ended with exit status {os.WEXITSTATUS(status)}"
