"""Ranks of defenses by how much they protect at their accuracy.

A defense is compared with what anybody can have without it, the reference points: no protection,
training on public records alone, DP-SGD with each of its epsilons, and mixtures of these. (Who trains
in one of two ways, chosen by a coin, has their accuracies and AUCs on average.) The frontier is the
lower hull of their AUCs over accuracy. The *margin* of a defense is the AUC of the frontier at its
accuracy less its own AUC: how much less exposed it is than the best mixture that is as accurate.

The interval of a margin contains the errors of all that it is made of, paired. A margin is

    sum over reference points r of w_r AUC_r  -  AUC  +  slope (accuracy  -  sum of w_r accuracy_r)

where the weights w are those of the mixture. The last term is zero, and says what errors of accuracies
do to the margin (delta method). AUCs and accuracies each have coefficients c that sum to zero, so that
the variances of differences of two rows, which are stored, give the variance:

    Var(sum of c_i X_i) = - 1/2 sum over i, j of c_i c_j Var(X_i - X_j)

The same holds for the difference of two margins, from which ranks follow: all pairs are tested at once
(Holm), with the variance between seeds pooled, as in `report.ranks`. Three things are taken as known:
which points are corners of the frontier, weights and slopes, and that errors of AUCs and those of
accuracies do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from privbench.metrics.differences import Difference, mean_difference, pooled_differences
from privbench.metrics.pairs import Floats
from privbench.metrics.ranks import rank_intervals
from privbench.report.differences import Differences, Measure
from privbench.report.frontier import BASELINE, PUBLIC_ONLY, family
from privbench.report.seeds import parts_of
from privbench.storage.results import Row

UNDEFENDED = "none"
REFERENCES = (UNDEFENDED, PUBLIC_ONLY, BASELINE)
"""The families of defenses whose mixtures others are compared with."""


@dataclass(frozen=True)
class Margin:
    """How much less exposed a defense is than the frontier at its accuracy."""

    defense: str
    difference: Difference
    of_auc: Mapping[str, float]
    """The coefficient of the AUC of each defense in the margin; they sum to zero."""
    of_accuracy: Mapping[str, float]
    """The coefficient of the accuracy of each defense; they sum to zero."""


class Hull:
    """The lower hull of the reference points: AUC as a function of accuracy."""

    def __init__(self, exposed: Mapping[str, Row]) -> None:
        """Build the hull.

        Args:
            exposed: the row that says how exposed each defense is; reference points are among them.
        """
        points = sorted(
            (row["test_accuracy"], row["auc"], defense)
            for defense, row in exposed.items()
            if family(defense) in REFERENCES
        )
        kept: list[tuple[float, float, str]] = []
        for point in points:
            if kept and point[0] == kept[-1][0]:
                continue  # as accurate, and more exposed
            while len(kept) > 1 and not _turns_left(kept[-2], kept[-1], point):
                kept.pop()
            kept.append(point)
        # What is less accurate than the least exposed point, and no less exposed, is of no use.
        least = min(range(len(kept)), key=lambda i: (kept[i][1], -kept[i][0]), default=0)
        self.corners = kept[least:]

    def points(self) -> list[tuple[float, float]]:
        """Return the corners (AUC, accuracy), the least exposed first."""
        return [(auc, accuracy) for accuracy, auc, _ in self.corners]

    def at(self, accuracy: float) -> tuple[dict[str, float], float] | None:
        """Return the mixture at an accuracy, as weights of defenses, and the slope of the frontier.

        Below the first corner it is that corner, which is more accurate. Above the last corner it is
        that one, the most accurate of them. None if there are no reference points.
        """
        if not self.corners:
            return None
        if accuracy >= self.corners[-1][0]:
            return {self.corners[-1][2]: 1.0}, 0.0
        right = next(i for i, corner in enumerate(self.corners) if corner[0] >= accuracy)
        high = self.corners[right]
        if right == 0:
            return {high[2]: 1.0}, 0.0
        low = self.corners[right - 1]
        weight = (accuracy - low[0]) / (high[0] - low[0])
        return {low[2]: 1 - weight, high[2]: weight}, (high[1] - low[1]) / (high[0] - low[0])


Point = tuple[float, float, str]
"""Accuracy, AUC and name of a defense."""


def _turns_left(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0


class Margins:
    """The margins of the defenses of one board."""

    def __init__(self, exposed: Mapping[str, Row], differences: Differences) -> None:
        """Compute the hull.

        Args:
            exposed: the row of the ranking attack of each defense.
            differences: says how well differences between the rows are known.
        """
        self.hull = Hull(exposed)
        self._exposed = exposed
        self._differences = differences

    def of(self, defense: str) -> Margin | None:
        """Return the margin of a defense; None if its error is not known."""
        found = self.hull.at(self._exposed[defense]["test_accuracy"])
        if found is None:
            return None
        mixture, slope = found
        of_auc = {defense: -1.0}
        for other, weight in mixture.items():
            of_auc[other] = of_auc.get(other, 0.0) + weight
        of_accuracy = {name: -slope * c for name, c in of_auc.items()}
        per_seed = self._combined(of_auc, of_accuracy)
        if per_seed is None:
            return None
        return Margin(defense, mean_difference(per_seed), of_auc, of_accuracy)

    def between(self, first: Margin, second: Margin) -> list[Difference] | None:
        """Return the difference of two margins for each seed; None if its error is not known."""
        return self._combined(
            _minus(first.of_auc, second.of_auc), _minus(first.of_accuracy, second.of_accuracy)
        )

    def ranks(self, margins: Sequence[Margin]) -> dict[str, tuple[int, int]]:
        """Return the smallest and the largest rank of each defense; the largest margin has rank 1."""
        k = len(margins)
        signed, p_values = np.zeros((k, k)), np.ones((k, k))
        pairs: list[tuple[int, int]] = []
        known: list[list[Difference]] = []
        for (i, first), (j, second) in combinations(enumerate(margins), 2):
            per_seed = self.between(first, second)
            if per_seed is not None:
                pairs.append((i, j))
                known.append(per_seed)
        for (i, j), difference in zip(pairs, pooled_differences(known, k), strict=True):
            signed[i, j], signed[j, i] = -difference.value, difference.value
            p_values[i, j] = p_values[j, i] = difference.p_value()
        names = [margin.defense for margin in margins]
        return dict(zip(names, rank_intervals(signed, p_values), strict=True))

    def _combined(
        self, of_auc: Mapping[str, float], of_accuracy: Mapping[str, float]
    ) -> list[Difference] | None:
        """Return a combination of AUCs and accuracies for each seed that all its rows have."""
        used = [name for name in of_auc if of_auc[name] or of_accuracy[name]]
        parts = {name: parts_of(self._exposed[name]) for name in used}
        seeds = [
            seed for seed in next(iter(parts.values()), {}) if all(map(_has(seed), parts.values()))
        ]
        terms: tuple[tuple[Measure, str, Mapping[str, float]], ...] = (
            ("auc", "auc", of_auc), ("accuracy", "test_accuracy", of_accuracy)
        )  # fmt: skip
        found = []
        for seed in seeds:
            rows = {name: part[seed] for name, part in parts.items()}
            value, variance, degrees, paired = 0.0, 0.0, 10**9, True
            for measure, column, coefficients in terms:
                c = np.array([coefficients[name] for name in rows])
                value += float(c @ [row[column] for row in rows.values()])
                errors = self._errors(tuple(rows.values()), measure)
                if errors is None:
                    return None
                variance += _variance(c, errors.squares, errors.paired)
                degrees, paired = min(degrees, errors.degrees), paired and errors.paired
            found.append(Difference(value, float(np.sqrt(variance)), degrees, paired))
        return found or None

    def _errors(self, rows: Sequence[Row], measure: Measure) -> _Errors | None:
        """Return what is known of the differences between rows of one seed; None if one is not."""
        squares = np.zeros((len(rows), len(rows)))
        degrees, paired = 10**9, True
        for (i, first), (j, second) in combinations(enumerate(rows), 2):
            known = self._differences.between(first, second, measure)
            if known is None:
                return None
            squares[i, j] = squares[j, i] = known.error**2
            degrees, paired = min(degrees, known.degrees), paired and known.paired
        return _Errors(squares, degrees, paired)


class _Errors(NamedTuple):
    squares: Floats
    """(k, k), the variances of the differences of each two rows."""
    degrees: int
    paired: bool


def _has(seed: int) -> Callable[[Mapping[int, Row]], bool]:
    return lambda parts: seed in parts


def _minus(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {n: first.get(n, 0.0) - second.get(n, 0.0) for n in dict.fromkeys([*first, *second])}


def _variance(coefficients: Floats, squares: Floats, paired: bool) -> float:
    """Return the variance of a combination whose coefficients (k,) sum to zero.

    Errors of unpaired differences are no more than upper limits, so that those of a combination add up.
    So they do where paired ones, which are estimates, do not fit together.

    Args:
        coefficients: (k,).
        squares: (k, k), the variances of the differences of each two.
        paired: whether all of them are paired.
    """
    if paired:
        variance = float((-np.outer(coefficients, coefficients) * squares / 2).sum())
        if variance > 0 or not squares.any():
            return variance
    # Taken to the row with the smallest coefficient, from which all others differ.
    base = int(np.argmin(coefficients)) if len(coefficients) else 0
    return (
        float(np.abs(coefficients) @ np.sqrt(squares[:, base])) ** 2 if len(coefficients) else 0.0
    )
