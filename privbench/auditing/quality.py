"""How well audited models answer: accuracy, or R² and RMSE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from privbench.auditing.predictions import Predictions
from privbench.report.numbers import number

RMSE = "RMSE"


@dataclass(frozen=True)
class Quality:
    """How well models answer, on all pairs of model and record, on members and on non-members."""

    name: str
    """What it is, in words."""
    all: float
    members: float
    nonmembers: float

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """Return words; an error may have any size."""
        texts = [
            f"{value:.4g}" if self.name == RMSE else number(value)
            for value in (self.members, self.nonmembers)
        ]
        return f"{self.name} {texts[0]} on members, {texts[1]} on non-members"


def qualities(target: Predictions) -> list[Quality]:
    """Return the accuracy, of several labels its mean over labels; of regression R² and RMSE."""
    return list(_qualities(target))


def _qualities(target: Predictions) -> Iterator[Quality]:
    parts = np.ones_like(target.member), target.member, ~target.member
    if target.task != "regression":
        right = target.log_probs.argmax(-1) == target.labels
        name = "accuracy" if target.task == "classification" else "mean accuracy of labels"
        yield Quality(name, *(float(right[part].mean()) for part in parts))
        return
    assert target.values is not None
    squares = (target.values - target.labels) ** 2
    errors = [float(squares[part].mean()) for part in parts]
    if variance := float(target.labels.var()):
        yield Quality("R²", *(1 - error / variance for error in errors))
    yield Quality(RMSE, *(error**0.5 for error in errors))
