"""All problems of predictions in one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from privbench.errors import DataError
from privbench.wording import shortened

VERBS = ("is", "are", "has", "holds", "must")
"""The words that follow the name of an array without a colon."""
SHOWN = 5
"""Records that a message names; of more, their number."""


@dataclass
class Problems:
    """Collects what is wrong with predictions, each with what to do.

    >>> problems = Problems("t.csv", {"member": "column was_in"}, first_line=2)
    >>> problems.add("member", f"no value in {problems.records(np.array([False, True]))}")
    >>> problems.found
    ['column was_in: no value in 1 of 2 records (line 3)']
    """

    where: str
    """What messages call the predictions."""
    called: Mapping[str, str] = field(default_factory=dict)
    """What arrays are called there, where it is not their name."""
    first_line: int | None = None
    """The line of the first record in a file of text, whose lines are then named."""
    columns: tuple[str, ...] = ()
    """The columns of a table that the last axis of the outputs comes from."""
    found: list[str] = field(default_factory=list)
    blamed: set[str] = field(default_factory=set)
    """Arrays with a problem, whose absence is no further one."""

    def add(self, name: str, text: str) -> None:
        """Note a problem of an array."""
        self.blamed.add(name)
        joined = " " if text.split()[0] in VERBS else ": "
        self.found.append(f"{self.called.get(name, name)}{joined}{text}")

    def check(self) -> None:
        """Raise DataError if there are problems; one line for each."""
        if len(self.found) == 1:
            raise DataError(f"{self.where}: {self.found[0]}")
        if self.found:
            lines = "".join(f"\n  - {text}" for text in self.found)
            raise DataError(f"{self.where}: {len(self.found)} problems:{lines}")

    def records(self, bad: NDArray[np.bool_]) -> str:
        """Return how many records (records,) are concerned, and which come first."""
        numbers = np.flatnonzero(bad) + (self.first_line or 0)
        shown = shortened(list(map(str, numbers)), SHOWN)
        noun = "record" if self.first_line is None else "line"
        return f"{len(numbers)} of {len(bad)} records ({noun}{'s' if len(numbers) > 1 else ''} {shown})"
