"""Numbers from a paper, which stand beside ours: nobody computed them here.

A file has the numbers of one paper, with the table that each is from (reported.schema.json).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privbench.leaderboard.submissions.consistency import form_problems, refuse
from privbench.leaderboard.submissions.reading import read_strict

FORMAT = "privbench-reported-1"


@dataclass(frozen=True)
class ReportedNumber:
    """What a paper says of one defense on one dataset under one attack."""

    defense: str
    dataset: str
    model: str
    accuracy: float | None
    """Test accuracy; None if the paper does not give it."""
    attack: str
    metric: str
    """``auc``, ``tpr@0.01``, ``tpr@0.001``, ``balanced_accuracy`` or ``advantage``."""
    value: float
    table: str
    """Where in the paper it stands, such as ``Table 3, row 2``."""


@dataclass(frozen=True)
class Reported:
    """The numbers of one paper."""

    name: str
    paper: str
    """Its address."""
    citation: str
    numbers: Sequence[ReportedNumber]


def is_reported(content: Any) -> bool:
    """Return whether a content says that it has numbers of a paper."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def read_reported(path: str | Path) -> Reported:
    """Return the numbers of a file.

    Raises:
        BadInput: it is not of the form of the schema.
    """
    content = read_strict(path)
    refuse(path, form_problems(content, "reported"))
    numbers = [ReportedNumber(**number) for number in content["numbers"]]
    return Reported(content["name"], content["paper"], content["citation"], numbers)
