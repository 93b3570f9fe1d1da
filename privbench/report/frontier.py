"""Utility at equal protection: each defense beside what a baseline keeps of accuracy there.

A defense that protects more costs more, so two of them can be compared only where one of the two is
equal. A sweep of the baseline (DP-SGD over epsilon) is a curve of accuracy by exposure, with straight
lines between its points; a defense is compared with the curve at its own exposure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.storage.results import Row

BASELINE = "dp-sgd"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frontier:
    """The best accuracy (k,) that the baseline reaches at each exposure (k,); both increase."""

    exposure: Floats
    accuracy: Floats

    @classmethod
    def of(cls, exposure: Sequence[float], accuracy: Sequence[float]) -> Frontier:
        """From the baseline's points; one that is no better than a less exposed one is left out.

        >>> Frontier.of([0.6, 0.5, 0.7], [0.4, 0.3, 0.35]).exposure.tolist()
        [0.5, 0.6]
        """
        kept: list[tuple[float, float]] = []
        for point in sorted(zip(exposure, accuracy, strict=True), key=lambda p: (p[0], -p[1])):
            if not kept or point[1] > kept[-1][1]:
                kept.append(point)
        x, y = np.array(kept, dtype=np.float64).reshape(-1, 2).T
        return cls(x, y)

    def accuracy_at(self, exposure: float) -> float | None:
        """What the baseline keeps at such an exposure; None where it was not measured.

        Above its last point it is that point's, for nobody has to use up an exposure. Below its first
        point nothing is known.

        >>> frontier = Frontier.of([0.5, 0.6], [0.3, 0.4])
        >>> round(frontier.accuracy_at(0.55), 3), frontier.accuracy_at(0.9), frontier.accuracy_at(0.4)
        (0.35, 0.4, None)
        """
        if not len(self.exposure) or exposure < self.exposure[0]:
            return None
        return float(np.interp(exposure, self.exposure, self.accuracy))


def family(defense: str) -> str:
    """A defense's name without the values of its sweep.

    >>> family("vae-metric[epsilon=8]")
    'vae-metric'
    """
    return defense.partition("[")[0]


def on_data(row: Row) -> bool:
    """Whether the attack sees the data that a defense releases, and not the model trained on them."""
    return bool(row["observes"] == "synthetic")


def exposures(rows: Sequence[Row], measure: str, *, data: bool = False) -> dict[str, Row]:
    """For each defense the row of the attack that does best, by "auc" or "tpr" (at 1% FPR).

    Of attacks on the model, or with ``data`` of attacks on released data. Defenses of which no row has
    a value are left out.
    """
    best: dict[str, Row] = {}
    for row in rows:
        if on_data(row) != data:
            continue
        value = exposure_of(row, measure)
        if value is None:
            continue
        old = best.get(row["defense"])
        if old is None or value > (exposure_of(old, measure) or 0.0):
            best[row["defense"]] = row
    return best


def exposure_of(row: Row, measure: str) -> float | None:
    """The value of a row, and None where it has none."""
    if row["status"] != "ok":
        return None
    found = row["auc"] if measure == "auc" else row["tpr_at_fpr"]["0.01"]["value"]
    return None if found is None else float(found)


def interval_of(row: Row, measure: str) -> Sequence[float] | None:
    """The 95% interval of that value."""
    found: Sequence[float] | None = (
        row["auc_ci"] if measure == "auc" else row["tpr_at_fpr"]["0.01"]["ci"]
    )
    return found


def frontier_of(best: dict[str, Row], measure: str, baseline: str = BASELINE) -> Frontier:
    """The baseline's curve, from the rows that ``exposures`` gives."""
    own = [row for defense, row in best.items() if family(defense) == baseline]
    points = [exposure_of(row, measure) or 0.0 for row in own]
    return Frontier.of(points, [row["test_accuracy"] for row in own])
