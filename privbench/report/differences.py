"""Differences between two rows of one benchmark, with paired intervals.

Two rows of one (dataset, model, seed, subset) are about the same records and the same membership,
whatever their defenses, attacks and knowledge. Their difference is better known than either of both.
What is needed for it is stored with the artifacts of the stages ``metrics`` (influences of pairs on the
AUC and the TPR) and ``utility`` (which test records each model predicts correctly).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, Protocol, TypeAlias

import numpy as np

from privbench.metrics.differences import (
    Difference,
    Error,
    difference_error,
    mean_difference,
    mixture_error,
)
from privbench.metrics.interval import t_quantile
from privbench.metrics.pairs import Bools, Floats
from privbench.report.frontier import exposure_of, interval_of
from privbench.report.seeds import parts_of
from privbench.storage.artifacts import Store
from privbench.storage.results import Row

Measure: TypeAlias = Literal["auc", "tpr", "accuracy"]
"""AUC, TPR at 1% FPR, or test accuracy."""
Influence: TypeAlias = Callable[[Row, Measure], "tuple[Floats, bool] | None"]
"""Returns the influence of each pair on a row's value, and whether records are a sample, too."""


class Errors(Protocol):
    """Says how well the difference of two rows of one seed is known."""

    def __call__(self, first: Row, second: Row, measure: Measure) -> Error | None:
        """Return the paired standard error and its degrees of freedom; None if they are not known."""


def nothing_stored(first: Row, second: Row, measure: Measure) -> Error | None:
    """Return None, for rows without artifacts beside them: all intervals are unpaired then."""
    return None


def first_known(all_errors: Sequence[Errors]) -> Errors:
    """Return what asks one after the other, until one knows the error."""

    def errors(first: Row, second: Row, measure: Measure) -> Error | None:
        answers = (known(first, second, measure) for known in all_errors)
        return next((answer for answer in answers if answer is not None), None)

    return errors


def stored_in(store: Store) -> Errors:
    """Return what reads the artifacts beside a results database."""

    @cache
    def influences(key: str, name: str) -> tuple[Floats, bool] | None:
        artifact = store.load("metrics", key)
        if artifact is None or name not in artifact.arrays:
            return None
        return artifact.arrays[name], artifact.info["interval_over"] != "models"

    @cache
    def correct(key: str, n_test: int) -> Bools | None:
        artifact = store.load("utility", key)
        if artifact is None or "test_correct" not in artifact.arrays:
            return None
        return np.unpackbits(artifact.arrays["test_correct"], axis=1)[:, :n_test].astype(bool)

    def influence(row: Row, measure: Measure) -> tuple[Floats, bool] | None:
        if measure == "accuracy":
            key, n_test = row["utility_key"], row["n_test"]
            bits = None if key is None or n_test is None else correct(key, n_test)
            return None if bits is None else ((bits - bits.mean()) / bits.size, True)
        name = "auc_influence" if measure == "auc" else "tpr_influence_0.01"
        return None if row["metrics_key"] is None else influences(row["metrics_key"], name)

    return errors_of(influence)


def errors_of(influence: Influence) -> Errors:
    """Return the errors of differences, given the influences of pairs."""

    def error(first: Row, second: Row, measure: Measure) -> Error | None:
        own, other = influence(first, measure), influence(second, measure)
        if own is None or other is None or own[0].shape != other[0].shape:
            return None
        return difference_error(own[0], other[0], of_records=own[1] or other[1])

    return error


class Differences:
    """Differences between rows, which may be combined of several seeds."""

    def __init__(self, errors: Errors = nothing_stored) -> None:
        self.errors = errors

    def between(self, first: Row, second: Row, measure: Measure) -> Difference | None:
        """Return the value of one row less that of another.

        Args:
            first: a row that is ok.
            second: another row of the same comparable group and subset.
            measure: what differs.

        Returns:
            None if one of both has no value, or no interval. The difference is unpaired if it is not
            stored what pairs it: its error is the sum of both errors, which is the most that it can be,
            however the two depend on each other. Of several seeds, it is the mean over those that both
            rows have.
        """
        return self.to_mixture(first, [(second, 1.0)], measure)

    def per_seed(self, first: Row, second: Row, measure: Measure) -> list[Difference] | None:
        """Return what `between` returns for each seed that both rows have; None if one is not known."""
        return self._per_seed(first, [(second, 1.0)], measure)

    def to_mixture(
        self, row: Row, mixture: Sequence[tuple[Row, float]], measure: Measure = "accuracy"
    ) -> Difference | None:
        """Return the value of a row less that of a mixture of rows.

        Args:
            row: the row.
            mixture: rows with weights that sum to 1: the models to choose from at random.
            measure: what differs.
        """
        found = self._per_seed(row, mixture, measure)
        return mean_difference(found) if found else None

    def _per_seed(
        self, row: Row, mixture: Sequence[tuple[Row, float]], measure: Measure
    ) -> list[Difference] | None:
        parts = [parts_of(other) for other, _ in mixture]
        weights = [weight for _, weight in mixture]
        found = []
        for seed, part in parts_of(row).items():
            if all(seed in of_other for of_other in parts):
                others = [of_other[seed] for of_other in parts]
                difference = self._of_one_seed(part, others, weights, measure)
                if difference is None:
                    return None
                found.append(difference)
        return found

    def _of_one_seed(
        self, row: Row, others: Sequence[Row], weights: Sequence[float], measure: Measure
    ) -> Difference | None:
        values = [_value(r, measure) for r in (row, *others)]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        difference = float(np.dot([1.0, *(-weight for weight in weights)], known))
        if error := self._paired_error(row, others, weights, measure):
            return Difference(difference, *error)
        if error := _unpaired_error(row, others, weights, measure):
            return Difference(difference, *error, paired=False)
        return None

    def _paired_error(
        self, row: Row, others: Sequence[Row], weights: Sequence[float], measure: Measure
    ) -> Error | None:
        to_parts = [self.errors(row, other, measure) for other in others]
        between = np.zeros((len(others), len(others)))
        for i, first in enumerate(others):
            for j, second in enumerate(others[:i]):
                error = self.errors(first, second, measure)
                between[i, j] = between[j, i] = np.nan if error is None else error[0]
        known = [error for error in to_parts if error is not None]
        if len(known) < len(others) or np.isnan(between).any():
            return None
        mixed = mixture_error([error for error, _ in known], between, weights)
        return mixed, min(degrees for _, degrees in known)


def _unpaired_error(
    row: Row, others: Sequence[Row], weights: Sequence[float], measure: Measure
) -> Error | None:
    """Return the sum of the errors of all rows, given their intervals; None if one has none."""
    reaches = [_reach(r, measure) for r in (row, *others)]
    known = [reach for reach in reaches if reach is not None]
    if len(known) < len(reaches):
        return None
    n = max(row["n_models"], 2)
    return float(np.dot([1.0, *weights], known)) / t_quantile(n), n - 1


def _value(row: Row, measure: Measure) -> float | None:
    if measure == "accuracy":
        value: float | None = row["test_accuracy"]
        return value
    return exposure_of(row, measure)


def _reach(row: Row, measure: Measure) -> float | None:
    """Return how far the interval of a row reaches from its value, on its longer side."""
    value = _value(row, measure)
    ends = row["test_accuracy_ci"] if measure == "accuracy" else interval_of(row, measure)
    if value is None or ends is None:
        return None
    return float(max(value - ends[0], ends[1] - value))
