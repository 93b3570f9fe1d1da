"""Paired differences of test accuracies: between two defenses, and to the frontier of the baseline.

Two defenses of one benchmark predict the same test records, by models with the same membership. Their
difference is much better known than either accuracy. What is needed for it, which records each model
predicts correctly, is stored with the artifact of the stage ``utility``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import numpy as np

from privbench.metrics.accuracy import accuracy_difference
from privbench.metrics.interval import Interval
from privbench.metrics.pairs import Bools, Floats
from privbench.report.frontier import BASELINE, Frontier, exposure_of, family, interval_of
from privbench.storage.artifacts import Store
from privbench.storage.results import Row

Correct: TypeAlias = Callable[[Row], Bools | None]
"""Returns which test records (models, records) each model behind a row predicts correctly, or None."""


def nothing_stored(row: Row) -> Bools | None:
    """Return None, for rows without artifacts beside them: no difference has an interval then."""
    return None


def stored_in(store: Store) -> Correct:
    """Return what reads the artifacts beside a results database; those that are missing are None."""

    @cache
    def read(key: str) -> Bools | None:
        artifact = store.load("utility", key)
        if artifact is None or "test_correct" not in artifact.arrays:
            return None
        return np.unpackbits(artifact.arrays["test_correct"], axis=1).astype(bool)

    def correct(row: Row) -> Bools | None:
        key, n_test = row["utility_key"], row["n_test"]
        bits = None if key is None or n_test is None else read(key)
        return None if bits is None else bits[:, :n_test]

    return correct


def difference(first: Row, second: Row, correct: Correct) -> tuple[float, Interval | None]:
    """Return the test accuracy of one row less that of another, and its paired 95% interval.

    The interval is None if it is not stored what the models predict.
    """
    return difference_to_mixture(first, [(second, 1.0)], correct)


def difference_to_mixture(
    row: Row, mixture: list[tuple[Row, float]], correct: Correct
) -> tuple[float, Interval | None]:
    """Return the test accuracy of a row less that of a mixture of rows, and its paired 95% interval.

    Args:
        row: the row.
        mixture: rows with weights that sum to 1: the models to choose from at random.
        correct: see `Correct`.
    """
    estimate = row["test_accuracy"] - sum(w * other["test_accuracy"] for other, w in mixture)
    own = correct(row)
    others = [(correct(other), weight) for other, weight in mixture]
    if own is None or any(other is None or other.shape != own.shape for other, _ in others):
        return estimate, None
    mixed: Floats = np.zeros(own.shape)
    for other, weight in others:
        mixed += weight * np.asarray(other)
    return estimate, accuracy_difference(own, mixed)[1]


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


def unpaired(row: Row, mixture: list[tuple[Row, float]]) -> Interval | None:
    """Return a 95% interval of what `difference_to_mixture` returns, from the rows alone.

    It holds however the two depend on each other, since the standard error of a difference is at most
    the sum of both. So it is wider than a paired one. It is None if an accuracy has no interval.
    """
    own = row["test_accuracy_ci"]
    others = [(other["test_accuracy_ci"], weight) for other, weight in mixture]
    if own is None or any(interval is None for interval, _ in others):
        return None
    low, high = (sum(weight * interval[end] for interval, weight in others) for end in (0, 1))
    return max(own[0] - high, -1.0), min(own[1] - low, 1.0)


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
