"""Checksums of what the database holds, so that a damaged value is noticed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

FUNCTION = "privbench_checksum"
"""The name of `checksum_of` in SQL."""
RUN_FACTS = (
    "benchmark", "started_at", "environment", "remark", "configuration", "command", "n_trials", "process"
)  # fmt: skip
"""The facts of a run that never change, in the order of their checksum."""


def checksum_of(values: Iterable[Any]) -> str:
    """Return a checksum of values that is the same before and after SQLite stored them.

    What is missing does not count, so that columns that are added later change no checksum.

    >>> checksum_of([1, "a", float("nan")]) == checksum_of([1.0, None, "a"])
    True
    """
    stored = [_stored(value) for value in values]
    text = json.dumps([value for value in stored if value is not None], default=repr)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def flaw_of(run: Mapping[str, Any]) -> str:
    """Return what is wrong with the line of a run in the database; empty if nothing is.

    Args:
        run: RUN_FACTS, ``finished_at``, ``seconds`` and ``checksum`` by name.
    """
    # What other programs add has no checksum.
    if run["checksum"] and checksum_of(run[name] for name in RUN_FACTS) != run["checksum"]:
        return "its facts were changed"
    try:
        for name in ("environment", "configuration", "process"):
            json.loads(run[name])
        float(run["seconds"] or 0.0)
    except (TypeError, ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    texts = (run["benchmark"], run["remark"], run["started_at"], run["finished_at"] or "")
    return "" if all(isinstance(text, str) for text in texts) else "its name or a time is no text"


def _stored(value: Any) -> Any:
    """Return a number as a float, as REAL columns hold it; SQLite has neither NaN nor -0.0."""
    if not isinstance(value, int | float):
        return value
    return None if math.isnan(value) else float(value) + 0.0
