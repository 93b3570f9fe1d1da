"""One worker process, as the main process sees it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from privbench.executors.workers.forking import fork_server
from privbench.executors.workers.loop import PROGRESS, RESULT, Setup, TaskMessage

LARGEST = 2**40
"""Bytes of one message, at most."""
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

    def __init__(self, setup: Setup) -> None:
        """Start the process.

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
        self.connection = Connection(ours.detach())
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
            if self._setup is not None:
                self.connection.send_bytes(pickle.dumps(self._setup))
                self._setup = None
            self.connection.send_bytes(pickle.dumps(message))
        except OSError:
            raise WorkerEnded(self._end()) from None

    def receive(self) -> bytes | tuple[int, int]:
        """Return the result of the task, or how many of its parts are done, and their total.

        Raises:
            WorkerEnded: there is no result to come.
        """
        if self.is_gone:
            raise WorkerEnded(self._end())
        try:
            message = self.connection.recv_bytes(LARGEST)
        except (EOFError, OSError):
            raise WorkerEnded(self._end()) from None
        if message[:1] == RESULT:
            return message[1:]
        if message[:1] == PROGRESS and len(message) == 1 + 16:
            done, total = struct.unpack("<qq", message[1:])
            return int(done), int(total)
        self.close()
        raise WorkerEnded("sent something that is no result")

    @property
    def is_gone(self) -> bool:
        """Whether it has ended and nothing is to come.

        Its connection does not say so as long as a process that it has forked holds it open.
        """
        return _state(self.pid) == "Z" and not self.connection.poll()

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
        """Return the bytes of memory that it and the processes that it has started have in use.

        They are 0 where that is not known: on systems other than Linux.
        """
        return sum(_resident(pid) for pid in _family(self.pid))

    def close(self) -> None:
        """Kill the process and those that it has started."""
        if not self._is_closed:
            self._is_closed = True
            self.connection.close()
            self._kill()
            self._server.status(self.pid)  # so that it is no zombie

    def _end(self) -> str:
        """Return how the process has ended, or is about to; kill what is left of it."""
        self._is_closed = True
        self.connection.close()
        status = self._server.status(self.pid) if self._has_ended() else -1
        self._kill(itself=status == -1)
        if status == -1:
            self._server.status(self.pid)
            return "closed its connection"
        return _how(status)

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
            if _state(self.pid) in ("Z", ""):
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


def _state(pid: int) -> str:
    """Return the letter of a process's state; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0].decode()
    except OSError:
        return ""


def _family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    family = [pid]
    for parent in family:
        with suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    family += map(int, file.read().split())
    return family


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
