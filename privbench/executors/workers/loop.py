"""What a worker process does: it computes one task after another until its connection ends."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from privbench.executors.workers.messages import PROGRESS, RESULT, receive, send

PDEATHSIG = 1
"""The operation of ``prctl`` that has a process killed when its parent ends."""


@dataclass(frozen=True)
class Setup:
    """How a worker is to be, before its first task."""

    folder: str
    environment: dict[str, str]
    threads: int | None = None
    """Threads of torch's operations; None for its default."""


@dataclass(frozen=True)
class TaskMessage:
    """A task, as it is sent to a worker."""

    payload: bytes
    store: str
    inputs: dict[str, Path] = field(default_factory=dict)
    scratch: Path | None = None
    """Where files without names are made for large arrays."""


def die_with_parent() -> None:
    """Have this process killed when its parent ends, where the system can (Linux)."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)


def become_worker(connection: int, output: int) -> None:
    """Turn a process that was just forked into a worker; it does not return.

    Args:
        connection: File descriptor of its end of the connection.
        output: File descriptor that takes what is printed.
    """
    status = 1
    try:
        die_with_parent()
        os.setpgid(0, 0)  # so that it ends together with the processes that it starts
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.close(output)
        sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        with suppress(OSError):  # the system should rather end a worker than the main process
            Path("/proc/self/oom_score_adj").write_text("500")
        _serve(socket.socket(fileno=connection))
    except (EOFError, ConnectionError):  # the main process has ended, or has closed the connection
        status = 0
    except BaseException:  # such as a library that cannot be imported, or no memory
        traceback.print_exc()
    finally:
        os._exit(status)


def _serve(connection: socket.socket) -> None:
    setup: Setup = pickle.loads(receive(connection)[1])
    _set_up(setup)
    # Imported where torch has been imported before the fork, or is imported now.
    from privbench.components.switches import new_seeds
    from privbench.executors.work import failed, work_in_pieces

    def report(done: int, total: int) -> None:
        send(connection, PROGRESS, struct.pack("<qq", int(done), int(total)))

    while True:
        message: TaskMessage = pickle.loads(receive(connection)[1])
        new_seeds()  # else it has those of the task before, or of the process that it was forked from
        try:
            result = work_in_pieces(
                message.payload, message.store, message.inputs, report, message.scratch
            )
        except (
            KeyboardInterrupt
        ):  # of the task's own code, since Ctrl-C does not reach this process
            result = [failed("KeyboardInterrupt")]
        for stream in (sys.stdout, sys.stderr):
            with suppress(ValueError):
                stream.flush()
        send(connection, RESULT, *result)
        del result, message  # which may be large


def _set_up(setup: Setup) -> None:
    with suppress(OSError):
        os.chdir(setup.folder)
    os.environ.clear()
    os.environ.update(setup.environment)
    import torch

    if setup.threads is not None:
        torch.set_num_threads(setup.threads)
