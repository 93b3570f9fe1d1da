"""Start workers, from one server process that lives as long as this process."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from weakref import WeakSet

import privbench

AVAILABLE = hasattr(os, "fork") and hasattr(socket, "send_fds")
"""Whether workers can be started on this system; not on Windows."""

IN_PROCESS = "PRIVBENCH_IN_PROCESS"
"""The environment variable that has third-party code run in the main process, as --in-process does."""


def runs_in_process() -> bool:
    """Return whether third-party code runs in the main process by default."""
    return os.environ.get(IN_PROCESS, "") not in ("", "0")


_servers: WeakSet[ForkServer] = WeakSet()


class ForkServer:
    """The process that workers are forked from. It is started at once, and is ready seconds later."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        package = str(Path(privbench.__file__).parent.parent)
        known = os.environ.get("PYTHONPATH", "")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [package, known]))}
        # -P: what lies in the working directory is not imported in place of torch.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "privbench.executors.workers.server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._control = ours
        _servers.add(self)

    def fork(self, connection: int, output: int) -> int:
        """Fork a worker that gets two file descriptors, and return its process id.

        Raises:
            OSError: the server has died, or the system starts no more processes.
        """
        try:
            socket.send_fds(self._control, [b"f"], [connection, output])
            answer = self._answer()
        except (
            BaseException
        ):  # as by Ctrl-C: its answer would be taken for that to the next question
            self.close()
            raise
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return answer

    def status(self, pid: int) -> int:
        """Return the wait status of a worker, or -1 if it has not ended within seconds."""
        try:
            self._control.sendall(b"w" + struct.pack("<q", pid))
            return self._answer()
        except OSError:
            return signal.SIGKILL  # it has ended with the server
        except BaseException:  # see `fork`
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether it can fork."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the server, and with it all workers; a fork of this process leaves it alone."""
        if os.getpid() != self._owner:
            return
        self._control.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Close the connection to the server in a fork of its process.

        The server ends when nobody holds the connection: with its own process, and not with a process
        that a plugin has forked and left behind.
        """
        self._control.close()

    def _answer(self) -> int:
        content = b""
        while len(content) < 8:
            received = self._control.recv(8 - len(content))
            if not received:
                raise OSError("the process that workers are forked from has died")
            content += received
        (answer,) = struct.unpack("<q", content)
        return int(answer)


def _forget_servers() -> None:
    for server in _servers:
        server.forget()


if AVAILABLE:
    os.register_at_fork(after_in_child=_forget_servers)


@cache
def _server(pid: int) -> ForkServer:
    server = ForkServer()
    atexit.register(server.close)
    return server


def fork_server() -> ForkServer:
    """Return the server of this process, which is started by the first call."""
    server = _server(os.getpid())  # a forked process has one of its own
    if not server.is_alive:
        _server.cache_clear()
        server = _server(os.getpid())
    return server


def start_early() -> None:
    """Start the server, so that it is ready when the first worker is needed."""
    if AVAILABLE:
        with suppress(OSError):  # it is tried again, and reported, when it is needed
            fork_server()
