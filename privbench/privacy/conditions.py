"""Conditions of guarantees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_BROKEN = " (not so here: "
"""Begins the reason in the text of a broken condition."""


@dataclass(frozen=True)
class Condition:
    """Something that a guarantee depends on.

    Args:
        text: A short sentence that a table can show.
        met: Whether the condition is met; None if that is for the reader to judge.
        why: If it is not met: the reason.
        name: Identifies conditions that code asks for; empty for all others.

    >>> print(Condition("each record is released once"))
    each record is released once
    >>> print(Condition("the fit is private", met=False, why="no noise"))
    the fit is private (not so here: no noise)
    """

    text: str
    met: bool | None = None
    why: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("text", "why", "name"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"condition: {field} {getattr(self, field)!r} (allowed: a str)")
        if self.met not in (True, False, None):
            raise ValueError(f"condition: met {self.met!r} (allowed: True, False, None)")
        if self.met is not None:  # NumPy's booleans are neither True nor False
            object.__setattr__(self, "met", bool(self.met))
        if self.why and self.met is not False:
            raise ValueError(f"condition {self.text!r}: why is the reason for met = False")

    def __str__(self) -> str:
        if self.why:
            return f"{self.text}{_BROKEN}{self.why})"
        return f"{self.text} (not so here)" if self.met is False else self.text

    @property
    def broken(self) -> bool:
        """Whether the condition is known not to be met."""
        return self.met is False

    @classmethod
    def from_json(cls, stored: str | dict[str, Any]) -> Condition:
        """Return the condition that a row of results stores.

        Older rows store its text, with the reason in it.

        >>> Condition.from_json("trust (not so here: none)")
        Condition(text='trust', met=False, why='none', name='')
        """
        if not isinstance(stored, str):
            return cls(**stored)
        text, separator, why = stored.partition(_BROKEN)
        return cls(text, False, why.removesuffix(")")) if separator else cls(text)


LABELS_NOT_COVERED = Condition("labels are not covered", name="labels-not-covered")
ONLY_LABELS_COVERED = Condition("only labels are covered", name="only-labels-covered")
PART_COVERED = {"features": LABELS_NOT_COVERED, "labels": ONLY_LABELS_COVERED}
"""The condition of a guarantee that covers a part of each record, by that part."""
SCALED_APART = Condition(
    "numeric columns are scaled without the private records",
    met=False,
    why="over the whole data set",
    name="scaled-apart",
)
ENCODER_INDEPENDENT = Condition(
    "encoder and decoder are independent of the record",
    met=False,
    why="fitted on the private records",
    name="encoder-independent",
)
GENERATOR_INDEPENDENT = Condition(
    "generator is independent of the records",
    met=False,
    why="fitted on the private records",
    name="generator-independent",
)
MODEL_ONLY = Condition(
    "only the model is published, not the records that it is trained on", name="model-only"
)


def changes_each_record_alone(mechanism: str) -> Condition:
    """Return the condition that a mechanism, by name, is record-wise."""
    return Condition(f"{mechanism} changes each record without regard to the others")


def large_delta_accepted(n_train: int) -> Condition:
    """Return the condition that a delta of 1/``n_train`` or more is accepted."""
    return Condition(f"a delta of 1/n and above is accepted (n={n_train})")


def as_conditions(conditions: Iterable[Condition | str]) -> tuple[Condition, ...]:
    """Return conditions of which some may be written as their texts."""
    return tuple(c if isinstance(c, Condition) else Condition(c) for c in conditions)
