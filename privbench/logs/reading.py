"""Read the log of a run, also while the run goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from privbench.logs.records import LEVELS

POLL = 0.2
"""Seconds between looks for new lines."""


@dataclass(frozen=True)
class Filter:
    """Which records of a log are shown."""

    level: str = "debug"
    """The least level."""
    stage: str = ""
    """A part of the name of a stage, in upper or lower case; what is about no stage is left out then."""

    def __call__(self, values: Mapping[str, Any]) -> bool:
        """Return whether a record is shown."""
        level = values.get("level")
        rank = LEVELS.index(level) if level in LEVELS else 0
        stage = str(values.get("stage", "")).casefold()
        return rank >= LEVELS.index(self.level) and self.stage.casefold() in stage


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a log; lines that are no records, such as one that was cut off, are left out.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        yield from _records(file)


def follow_log(path: Path, goes_on: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Yield the records of a log, and those that are added, until the run has ended.

    Args:
        path: the file; if it is replaced by a shorter one, it goes on behind the last record.
        goes_on: whether the run goes on.

    Raises:
        OSError: the file cannot be read.
    """
    file, last = path.open("rb"), b""
    try:
        while True:
            is_last = not goes_on()  # asked before the last look, so that no line comes after it
            for line in _whole_lines(file):
                last = line
                yield from _records([line])
            if is_last or not path.exists():
                return
            if _is_replaced(file, path):
                file.close()
                file = path.open("rb")
                content = file.read()
                file.seek(content.rfind(last) + len(last) if last in content else 0)
            else:
                time.sleep(POLL)
    finally:
        file.close()


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines from where a file was read to; one that is being written comes later."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict):
            yield values


def _is_replaced(file: BinaryIO, path: Path) -> bool:
    try:
        return not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
