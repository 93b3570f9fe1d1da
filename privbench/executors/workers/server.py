"""The process that workers are forked from: it has imported numpy and torch, and has one thread.

It is started as a program of its own, so that no script of a user is imported a second time, as
``multiprocessing`` would do, and a worker has none of the memory of the main process.

The main process asks by two messages: ``f`` with two file descriptors forks a worker and is answered by
its process id, or by an error number below zero; ``w`` and a process id is answered by its wait status,
or by -1 if it has not ended.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import struct
import sys
import time
from contextlib import suppress

from privbench.executors.workers.loop import become_worker

PATIENCE = 2.0
"""Seconds within which a worker that has closed its connection has to end."""


def main() -> None:
    """Fork workers until the main process ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform.startswith("linux"):  # elsewhere libraries do not survive a fork
        gc.disable()  # nothing of what is imported is garbage
        _import_what_workers_need()
        gc.freeze()  # so that no worker looks through it, which would copy its pages
        gc.enable()
    workers: set[int] = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 9, 2)
        if not message:
            break
        if message[:1] == b"f":
            try:
                pid = os.fork()
            except OSError as error:  # of too many processes
                pid = -(error.errno or errno.EAGAIN)
            if pid == 0:
                control.close()
                become_worker(*descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            if pid > 0:
                workers.add(pid)
            control.sendall(struct.pack("<q", pid))
        else:
            (pid,) = struct.unpack("<q", message[1:])
            status = _status(pid)
            if status >= 0:
                workers.discard(pid)
            control.sendall(struct.pack("<q", status))
    for pid in workers:
        _kill(pid)


def _import_what_workers_need() -> None:
    import numpy as np  # noqa: F401
    import safetensors.numpy  # noqa: F401
    import torch  # noqa: F401

    import privbench.engine
    import privbench.metrics  # noqa: F401
    from privbench.executors.payload import Plugins
    from privbench.executors.work import load_plugins

    load_plugins(Plugins())


def _status(pid: int) -> int:
    """Return the wait status of a worker, or -1 if it does not end."""
    end = time.monotonic() + PATIENCE
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended == pid:
            return status
        if time.monotonic() > end:
            return -1
        time.sleep(0.01)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
