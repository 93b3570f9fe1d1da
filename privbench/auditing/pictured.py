"""What the pages of all audits show of attacks: rates, ROC curves, and who is accused first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privbench.metrics import Summary
from privbench.metrics.interval import Interval
from privbench.report.html.roc import Picture
from privbench.report.limits import precision

RATES = ("0.01", "0.001")
"""The false positive rates that sentences are about, as texts."""


class Attacked(Protocol):
    """What pages need of the report on one attack."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores (targets, records)."""

    @property
    def summary(self) -> Summary:
        """The metrics."""


@dataclass(frozen=True)
class Rate:
    """What an attack finds at one false positive rate."""

    fpr: float
    tpr: tuple[float | None, Interval | None]
    precision: tuple[float | None, Interval | None]
    """Share of right accusations if one of 100 suspects is a member."""


def rates_of(attack: Attacked) -> list[Rate]:
    """Return what an attack finds at each of the false positive rates of sentences."""
    rates = []
    for text in RATES:
        fpr, measured = float(text), attack.summary.tpr_at_fpr[text]
        value, ends = measured["value"], measured["ci"]
        right = None if value is None else precision(value, fpr)
        of_ends = None if ends is None else (precision(ends[0], fpr), precision(ends[1], fpr))
        rates.append(Rate(fpr, (value, ends), (right, of_ends)))
    return rates


def picture_of(
    attacks: Mapping[str, Attacked], chosen: str | None, member: NDArray[np.bool_]
) -> Picture | None:
    """Return the ROC curves, that of the chosen attack first; None if no attack returned scores."""
    if not attacks:
        return None
    order = sorted(attacks.items(), key=lambda item: (item[0] != chosen, -item[1].summary.auc))
    curves = {name: (attack.scores, attack.summary.interval_over) for name, attack in order}
    return Picture.of(curves, member)


def accused_first(
    scores: NDArray[np.float64], member: NDArray[np.bool_], most: int
) -> list[tuple[int, int]]:
    """Return the members with the highest scores, each with the non-members accused up to it.

    Args:
        scores: scores (records,) of one model.
        member: membership (records,).
        most: the largest number of members to return.
    """
    outside, inside = np.sort(scores[~member]), np.flatnonzero(member)
    first = inside[np.argsort(-scores[inside], kind="stable")][:most]
    before = len(outside) - np.searchsorted(outside, scores[first], side="left")
    return list(zip(first.tolist(), before.tolist(), strict=True))
