"""A worker process and the processes that it has started, as the system sees them."""

from __future__ import annotations

from pathlib import Path

import psutil


def has_ended(pid: int) -> bool:
    """Return whether a process has ended, though nobody may have asked for its exit status yet."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process and its descendants have in use.

    On Linux, pages of files that are mapped, such as large artifacts, do not count: the system takes
    them back when it needs memory. Elsewhere psutil does not tell them apart, and they count.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:  # it has ended
        return 0
    return sum(map(_memory, family))


def _memory(process: psutil.Process) -> int:
    try:
        info = process.memory_info()
        # What psutil calls shared are files that are mapped, and memory that processes share.
        return int(info.rss) - getattr(info, "shared", 0) + _shared_memory(process.pid)
    except psutil.Error:  # it has ended meanwhile
        return 0


def _shared_memory(pid: int) -> int:
    """Return the bytes of memory that a process shares with others (Linux), as torch's workers do."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = [line.split()[1] for line in lines if line.startswith("RssShmem:")]
    return sum(map(int, sizes)) * 1024
