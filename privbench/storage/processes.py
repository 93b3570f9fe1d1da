"""Which process carries out a run, and whether it still does."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Return the host, the number and the start of this process, as JSON values."""
    return {"host": platform.node(), "pid": os.getpid(), "start": _start_of(os.getpid())}


def is_alive(process: Mapping[str, Any] | None) -> bool | None:
    """Return whether a process that `this_process` described still exists; None if that is not known.

    It is not known for a process of another host. Numbers of processes are used again, so that on Linux
    the start must be the same, too.
    """
    if process is None or process.get("host") != platform.node() or os.name != "posix":
        return None
    pid = process["pid"]
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # it exists, and is another user's
    except OSError:
        return False
    return bool(process.get("start") == _start_of(pid))


def _start_of(pid: int) -> str | None:
    """Return when a process started, in ticks since the machine did; None if it ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return None
    # The second field is the name in parentheses, which may contain anything.
    state, *fields = text.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
