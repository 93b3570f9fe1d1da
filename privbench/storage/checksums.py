"""Checksums of what the database holds, so that a damaged value is noticed."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FUNCTION = "privbench_checksum"
"""The name of `checksum_of` in SQL."""
TRIAL_FUNCTION = "privbench_trial_checksum"
"""The name of `trial_checksum` in SQL, where the checksums are one text, with commas between them."""
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


def trial_checksum(position: int, checksums: Iterable[str]) -> str:
    """Return a checksum over all rows of a trial; each of them has it, so that none can be missing.

    Args:
        position: the trial's place in the plan.
        checksums: those of its rows, in any order.
    """
    return checksum_of([position, *sorted(checksums)])


def flaw_of_rows(run: Mapping[str, Any], rows: Iterable[Sequence[Any]]) -> str:
    """Return what is wrong with the rows of a run in the database; empty if nothing is.

    Args:
        run: ``finished_at`` and ``n_trials`` by name.
        rows: all of its rows, each as position, checksum, checksum of its trial, and values.
    """
    trials: dict[tuple[Any, Any], list[str]] = defaultdict(list)
    for position, checksum, of_trial, *values in rows:
        if checksum_of(values) != checksum:
            return "a row was changed"
        trials[position, of_trial].append(checksum)
    if any(trial_checksum(trial[0], found) != trial[1] for trial, found in trials.items()):
        return "rows of a trial are missing, or there twice"
    n_trials = len({position for position, _ in trials})
    if run["finished_at"] is not None and run["n_trials"] not in (None, n_trials):
        return "trials are missing"
    return ""


def _stored(value: Any) -> Any:
    """Return a number as a float, as REAL columns hold it; SQLite has neither NaN nor -0.0."""
    if not isinstance(value, int | float):
        return value
    return None if math.isnan(value) else float(value) + 0.0
