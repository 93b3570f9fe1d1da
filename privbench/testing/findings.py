"""What a check found, and how a check says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "skipped", "expected"]
"""``skipped``: the check does not apply to the component. ``expected``: it failed, as was said."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check of one component."""

    component: str
    """Its kind and name, such as ``attack margin``."""
    check: str
    outcome: Outcome
    reason: str = ""
    """Why it failed, or why it does not apply."""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.outcome != "failed"

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.component}: {self.check} {self.outcome}{reason}"


class Violation(AssertionError):
    """A component breaks its contract; the message is written for its author."""


class NotApplicable(Exception):
    """A check does not apply to a component; the message says why."""
