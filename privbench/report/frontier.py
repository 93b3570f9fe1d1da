"""Utility at equal protection: the accuracy that a baseline reaches at the exposure of a defense.

Stronger protection costs more accuracy, so two defenses can only be compared where one of the two is
equal. A sweep of the baseline (DP-SGD over recipes and epsilon) gives accuracy as a piecewise linear,
concave function of exposure: the upper hull of its points. A defense is compared with this function at
its own exposure.

The hull is what the baseline can reach. Whoever trains by one of two mechanisms, chosen by a coin that
does not depend on the records, has their accuracies, AUCs and TPRs (at one FPR, model by model) on
average, in proportion to the coin. So every point between two measured ones is a mechanism, too.

The baseline is the family ``dp-sgd``, which uses no public data. DP-SGD from a public start is another
family, which is the baseline if it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.storage.results import Row

BASELINE = "dp-sgd"
PUBLIC_ONLY = "public-only"
"""The defense that reads no private record, and is at chance against every attack."""
RANKED_BY = "auto"
"""The attack that decides how exposed a defense is, where it was run."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frontier:
    """The upper hull of the baseline's points: exposure (k,) and accuracy (k,); both increase."""

    exposure: Floats
    accuracy: Floats

    @classmethod
    def of(cls, exposure: Sequence[float], accuracy: Sequence[float]) -> Frontier:
        """Build the frontier of points.

        A point is left out if it is no better than a less exposed one, or than a mixture of two others.
        Source of the hull: Andrew 1979, "Another efficient algorithm for convex hulls".

        >>> Frontier.of([0.6, 0.5, 0.7], [0.4, 0.3, 0.35]).exposure.tolist()
        [0.5, 0.6]
        >>> Frontier.of([0.5, 0.6, 0.7], [0.3, 0.31, 0.4]).exposure.tolist()
        [0.5, 0.7]
        """
        kept: list[tuple[float, float]] = []
        for point in sorted(zip(exposure, accuracy, strict=True), key=lambda p: (p[0], -p[1])):
            if kept and point[1] <= kept[-1][1]:
                continue
            while len(kept) > 1 and _is_below(kept[-1], kept[-2], point):
                kept.pop()
            kept.append(point)
        x, y = np.array(kept, dtype=np.float64).reshape(-1, 2).T
        return cls(x, y)

    def accuracy_at(self, exposure: float) -> float | None:
        """Return the accuracy of the baseline at an exposure.

        - Between two points: linear interpolation.
        - Above the last point: the accuracy of that point, which is less exposed.
        - Below the first point: None, since nothing was measured there.

        >>> frontier = Frontier.of([0.5, 0.6], [0.3, 0.4])
        >>> round(frontier.accuracy_at(0.55), 3), frontier.accuracy_at(0.9), frontier.accuracy_at(0.4)
        (0.35, 0.4, None)
        """
        if not len(self.exposure) or exposure < self.exposure[0]:
            return None
        return float(np.interp(exposure, self.exposure, self.accuracy))


def _is_below(
    point: tuple[float, float], left: tuple[float, float], right: tuple[float, float]
) -> bool:
    """Return whether a point is on or below the line from ``left`` to ``right``."""
    run, rise = right[0] - left[0], right[1] - left[1]
    return (point[1] - left[1]) * run <= (point[0] - left[0]) * rise


def family(defense: str) -> str:
    """Return the name of a defense without the values of its sweep.

    >>> family("vae-metric[epsilon=8]")
    'vae-metric'
    """
    return defense.partition("[")[0]


def first_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """Return a row that is ok for each defense, in their order; accuracies are equal in all."""
    first: dict[str, Row] = {}
    for row in rows:
        if row["status"] == "ok":
            first.setdefault(row["defense"], row)
    return first


def on_data(row: Row) -> bool:
    """Return whether the attack sees the data that a defense releases or its generator, and no model."""
    return bool(row["observes"] in ("synthetic", "generator"))


def deciding(rows: Sequence[Row]) -> list[Row]:
    """Return those of a defense's rows that decide how exposed it is: those of the strongest adversary.

    1. The rows of ``RANKED_BY``, which is chosen without a look at the target: the adaptive ones, or
       else the naive ones, if there are no adaptive rows of any attack.
    2. Without that attack, all rows. Their largest value is the largest of several attacks on the
       target itself, which is not corrected for the choice.
    """
    ok = [row for row in rows if row["status"] == "ok"]
    knowledge = "adaptive" if any(row["knowledge"] == "adaptive" for row in ok) else "naive"
    chosen = [r for r in ok if r["attack"] == RANKED_BY and r["knowledge"] == knowledge]
    return chosen or ok


def only_on_data(rows: Sequence[Row]) -> bool:
    """Return whether all attacks that are ok see released data, and none a model."""
    return all(on_data(row) for row in rows if row["status"] == "ok")


def exposures(rows: Sequence[Row], measure: str, *, data: bool = False) -> dict[str, Row]:
    """Return the row that says how exposed each defense is, if it has a value.

    It is the row with the largest value among those that are `deciding`.

    Args:
        rows: rows of results.
        measure: ``auc``, or ``tpr`` at 1% FPR.
        data: whether to consider attacks on released data instead of attacks on the model.
    """
    by_defense: dict[str, list[Row]] = {}
    for row in rows:
        if on_data(row) == data:
            by_defense.setdefault(row["defense"], []).append(row)
    strongest = {}
    for defense, of_defense in by_defense.items():
        valued = [row for row in deciding(of_defense) if exposure_of(row, measure) is not None]
        if valued:
            strongest[defense] = max(valued, key=lambda row: exposure_of(row, measure) or 0.0)
    return strongest


def exposure_of(row: Row, measure: str) -> float | None:
    """Return the ``auc`` or the ``tpr`` at 1% FPR of a row; None if it is not ok or unresolved."""
    if row["status"] != "ok":
        return None
    value = row["auc"] if measure == "auc" else row["tpr_at_fpr"]["0.01"]["value"]
    return None if value is None else float(value)


def interval_of(row: Row, measure: str) -> Sequence[float] | None:
    """Return the 95% interval of what `exposure_of` returns."""
    interval: Sequence[float] | None = (
        row["auc_ci"] if measure == "auc" else row["tpr_at_fpr"]["0.01"]["ci"]
    )
    return interval


def frontier_of(strongest: dict[str, Row], measure: str, baseline: str = BASELINE) -> Frontier:
    """Return the frontier of the baseline, given what `exposures` returns."""
    rows = [row for defense, row in strongest.items() if family(defense) == baseline]
    exposure = [exposure_of(row, measure) or 0.0 for row in rows]
    return Frontier.of(exposure, [row["test_accuracy"] for row in rows])
