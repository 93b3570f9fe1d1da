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
(Holm), as in `metrics.ranks`. Which points are corners of the frontier is taken as known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from privbench.metrics.differences import Difference
from privbench.metrics.pairs import Floats
from privbench.metrics.ranks import rank_intervals
from privbench.report.differences import Differences, Measure
from privbench.report.frontier import BASELINE, PUBLIC_ONLY, family
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
        """Return the mixture at an accuracy, as weights of defenses, and the slope of AUC over accuracy.

        Below the first corner it is that corner, which is more accurate. Above the last corner nothing
        is known, and None is returned.
        """
        if not self.corners or accuracy > self.corners[-1][0]:
            return None
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
        self._pairs: dict[tuple[Measure, str, str], Difference | None] = {}

    def of(self, defense: str) -> Margin | None:
        """Return the margin of a defense.

        None if it is more accurate than all reference points, or if errors are not known.
        """
        row = self._exposed[defense]
        found = self.hull.at(row["test_accuracy"])
        if found is None:
            return None
        mixture, slope = found
        of_auc = {defense: -1.0}
        for other, weight in mixture.items():
            of_auc[other] = of_auc.get(other, 0.0) + weight
        of_accuracy = {name: -slope * c for name, c in of_auc.items()}
        value = sum(c * self._exposed[name]["auc"] for name, c in of_auc.items())
        difference = self._combined(value, of_auc, of_accuracy)
        return None if difference is None else Margin(defense, difference, of_auc, of_accuracy)

    def between(self, first: Margin, second: Margin) -> Difference | None:
        """Return the difference of two margins; None if its error is not known."""
        return self._combined(
            first.difference.value - second.difference.value,
            _minus(first.of_auc, second.of_auc),
            _minus(first.of_accuracy, second.of_accuracy),
        )

    def ranks(self, margins: Sequence[Margin]) -> dict[str, tuple[int, int]]:
        """Return the smallest and the largest rank of each defense; the largest margin has rank 1."""
        k = len(margins)
        signed, p_values = np.zeros((k, k)), np.ones((k, k))
        for (i, first), (j, second) in combinations(enumerate(margins), 2):
            difference = self.between(first, second)
            if difference is not None:
                signed[i, j], signed[j, i] = -difference.value, difference.value
                p_values[i, j] = p_values[j, i] = difference.p_value()
        names = [margin.defense for margin in margins]
        return dict(zip(names, rank_intervals(signed, p_values), strict=True))

    def _combined(
        self, value: float, of_auc: Mapping[str, float], of_accuracy: Mapping[str, float]
    ) -> Difference | None:
        variance, degrees, paired = 0.0, 10**9, True
        coefficients: tuple[tuple[Measure, Mapping[str, float]], ...] = (
            ("auc", of_auc), ("accuracy", of_accuracy)
        )  # fmt: skip
        for measure, of_measure in coefficients:
            names = [name for name, c in of_measure.items() if c]
            c = np.array([of_measure[name] for name in names])
            squares = np.zeros((len(names), len(names)))
            for (i, first), (j, second) in combinations(enumerate(names), 2):
                known = self._between(first, second, measure)
                if known is None:
                    return None
                squares[i, j] = squares[j, i] = known.error**2
                degrees, paired = min(degrees, known.degrees), paired and known.paired
            variance += _variance(c, squares)
        return Difference(value, float(np.sqrt(variance)), degrees, paired)

    def _between(self, first: str, second: str, measure: Measure) -> Difference | None:
        low, high = sorted((first, second))
        key = (measure, low, high)
        if key not in self._pairs:
            self._pairs[key] = self._differences.between(
                self._exposed[low], self._exposed[high], measure
            )
        return self._pairs[key]


def _minus(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {n: first.get(n, 0.0) - second.get(n, 0.0) for n in dict.fromkeys([*first, *second])}


def _variance(coefficients: Floats, squares: Floats) -> float:
    """Return the variance of a combination whose coefficients (k,) sum to zero.

    Args:
        coefficients: (k,).
        squares: (k, k), the variances of the differences of each two.

    Over several seeds variances of differences are pooled one by one, and need not fit together; a
    negative sum counts as zero.
    """
    pairs = -np.outer(coefficients, coefficients) * squares / 2
    return float(max(pairs.sum(), 0.0))
