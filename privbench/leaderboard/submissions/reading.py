"""Read files that strangers wrote: bounded in size and depth, strict JSON, never through a link."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from privbench.errors import BadInput

MAX_BYTES = 16 * 2**20
"""The largest file that is read. Its content takes at most some 30 times as much memory."""
MAX_DEPTH = 32
"""The deepest nesting of lists and objects."""


def read_strict(path: str | Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        BadInput: it is not a regular file, a link, too large, not UTF-8, or not JSON as RFC 8259 has
            it: numbers are finite, and no object has a key twice.
    """
    return parse_strict(read_bytes(path), path)


def parse_strict(data: bytes, path: str | Path) -> Any:
    """Return the content of JSON, as `read_strict`; ``path`` is what messages begin with."""
    try:
        text = data.decode("utf-8")
        content = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique
        )
        _check(content)
    except UnicodeError:
        raise BadInput(f"{path}: not UTF-8 (allowed: JSON in UTF-8)") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply (allowed: {MAX_DEPTH} levels)") from None
    except ValueError as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    return content


def read_bytes(path: str | Path) -> bytes:
    """Return the bytes of a regular file that is no link and not too large."""
    try:
        # Without O_NONBLOCK, a named pipe would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        if os.path.islink(path):
            raise BadInput(f"{path}: a symbolic link (allowed: a regular file)") from None
        raise BadInput(f"{path}: {getattr(error, 'strerror', error)}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadInput(f"{path}: not a regular file")
    with os.fdopen(handle, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path}: too large (allowed: {MAX_BYTES // 2**20} MiB)")
    return content


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice[:80]!r} is there twice")
    return content


def _check(content: Any) -> None:
    """Raise an error of nesting that is too deep, and of text that no file can hold."""
    waiting = [(content, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise RecursionError
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
