"""How long stages took, in the database of a results folder: what forecasts are made from.

It is kept beside the artifacts, which may be deleted, and without a link to a run, so that a run that is
deleted takes no times with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from privbench.storage.database import open_database, read_database
from privbench.storage.problems import Damaged
from privbench.storage.results import Results


@dataclass(frozen=True)
class Sizes:
    """What of a stage its time depends on."""

    kind: str
    components: str
    """Names of the components that it runs, such as ``dp-sgd mlp``, and ``canaries``."""
    dataset: str
    """Digest of the records of the dataset."""
    context: str
    """Names of the dataset and of all components that the stage depends on."""
    variant: str
    """Digest of all of their parameters, but for epochs."""
    models: int
    """Models in the population."""
    records: int
    """Records in the pool, or canaries of the kind that the stage is about."""
    epochs: float
    """Epochs of what it trains, or 1."""


@dataclass(frozen=True)
class Time(Sizes):
    """How long a stage took."""

    device: str
    seconds: float
    bytes: int
    """Size of its artifact."""


_NAMES = tuple(field.name for field in fields(Time))


class Times:
    """The times of stages of all runs below one results folder."""

    def __init__(self, root: str | Path) -> None:
        self.path = Results(Path(root)).path

    def add(self, times: Sequence[Time]) -> None:
        """Append times."""
        marks = ", ".join("?" * len(_NAMES))
        with open_database(self.path) as database:
            database.executemany(
                f"INSERT INTO times ({', '.join(_NAMES)}) VALUES ({marks})", map(astuple, times)
            )

    def all(self) -> list[Time]:
        """Return all times, the oldest first; none if there are no results, or they are damaged.

        Forecasts can do without, and a run repairs the database.
        """
        if not self.path.exists():
            return []
        try:
            with read_database(self.path) as database:
                found = database.execute(f"SELECT {', '.join(_NAMES)} FROM times ORDER BY rowid")
                return [Time(*values) for values in found if _is_sound(values)]
        except Damaged:
            return []


def _is_sound(values: Sequence[Any]) -> bool:
    """Return whether values have the types of a time, and sizes are positive."""
    *texts, models, records, epochs, device, seconds, size = values
    numbers = (models, records, epochs, seconds, size)
    return (
        all(isinstance(text, str) for text in (*texts, device))
        and all(isinstance(number, int | float) and 0 <= number < 1e18 for number in numbers)
        and min(models, records, epochs) > 0
    )
