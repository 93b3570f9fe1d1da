"""Mixtures of rows: what lies on the frontier of the baseline between two of its rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from privbench.report.frontier import BASELINE, Frontier, exposure_of, family, interval_of
from privbench.storage.results import Row


def exposure_error(
    frontier: Frontier, mixture: list[tuple[Row, float]], row: Row, measure: str
) -> float:
    """Return how far errors of exposures move the frontier's accuracy at the exposure of a row.

    It is half of a 95% interval, by the delta method: the exposures of the row and of the mixture are
    estimates, whose errors move the frontier sideways, and it rises by its slope. Beyond its last point,
    and with one point alone, the frontier is flat.

    Args:
        frontier: the frontier.
        mixture: what `mixture_at` returns.
        row: the row that says how exposed the defense is.
        measure: ``auc``, or ``tpr`` at 1% FPR.
    """
    exposure = exposure_of(row, measure)
    if exposure is None or len(frontier.exposure) < 2 or exposure > frontier.exposure[-1]:
        return 0.0
    right = max(int(np.searchsorted(frontier.exposure, exposure)), 1)
    rise = frontier.accuracy[right] - frontier.accuracy[right - 1]
    slope = rise / (frontier.exposure[right] - frontier.exposure[right - 1])
    intervals = [(interval_of(r, measure), w) for r, w in [(row, 1.0), *mixture]]
    halves = [w * (ends[1] - ends[0]) / 2 for ends, w in intervals if ends is not None]
    return float(slope * np.linalg.norm(halves))


def mixture_at(
    frontier: Frontier, strongest: Mapping[str, Row], measure: str, exposure: float
) -> list[tuple[Row, float]]:
    """Return the rows of the baseline between which the frontier lies at an exposure, with weights.

    Args:
        frontier: the frontier.
        strongest: what the frontier was made of: the row of each defense.
        measure: ``auc``, or ``tpr`` at 1% FPR.
        exposure: at which exposure; below the frontier's first point, nothing is returned.
    """
    if not len(frontier.exposure) or exposure < frontier.exposure[0]:
        return []
    points = {
        (exposure_of(row, measure), row["test_accuracy"]): row
        for defense, row in strongest.items()
        if family(defense) == BASELINE
    }
    corners = [points[point] for point in zip(frontier.exposure, frontier.accuracy, strict=True)]
    right = int(np.searchsorted(frontier.exposure, exposure))
    if right == len(corners):
        return [(corners[-1], 1.0)]
    if frontier.exposure[right] == exposure:
        return [(corners[right], 1.0)]
    left = right - 1
    weight = (exposure - frontier.exposure[left]) / (
        frontier.exposure[right] - frontier.exposure[left]
    )
    return [(corners[left], 1 - float(weight)), (corners[right], float(weight))]
