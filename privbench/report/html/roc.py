"""ROC curves as paths of SVG, on log-log axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privbench.metrics import Pairs, Roc
from privbench.metrics.band import roc_band
from privbench.metrics.clustered import Over
from privbench.metrics.pairs import Bools, Floats
from privbench.report.plots import PALETTE

Scored = tuple[Floats, Over]
"""Scores (models, records), and what intervals take to be samples."""

WIDTH, HEIGHT = 560.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 12.0, 46.0
"""Margins of the axes, in units of the picture."""
MAX_NAMED = 5
"""Largest number of curves that have a color, a band and a name; others are grey."""
DASHES = ("", "8 3", "2 3", "8 3 2 3", "12 3")
"""The dashes beside the colors."""
LEAST = 1e-5
"""The smallest rate that is shown."""
N_GRID = 21
"""Number of false positive rates at which a curve has an interval."""
STEP = 0.75
"""Distance in units of the picture below which points of a curve are not told apart."""


@dataclass(frozen=True)
class Axis:
    """A logarithmic map of rates from ``low`` to 1 to coordinates."""

    low: float
    start: float
    end: float

    def __call__(self, rate: float) -> float:
        """Return the coordinate of a rate; smaller rates are moved to the end of the axis."""
        share = 1 - math.log(max(rate, self.low)) / math.log(self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Coordinates and texts of the powers of ten."""
        powers = range(math.ceil(math.log10(self.low) - 1e-9), 1)
        return [(self(10.0**power), f"{10.0**power:.0%}" if power > -3 else f"{10.0 ** (power + 2):g}%")
                for power in powers]  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One curve: its name, its paths, and how it is drawn."""

    name: str
    path: str
    band: str
    """The path around its interval; empty without."""
    color: str
    """Empty if it is not named."""
    dash: str


@dataclass(frozen=True)
class Picture:
    """ROC curves on log-log axes, from one false positive on."""

    x: Axis
    y: Axis
    lines: Sequence[Line]
    """Those that are named last, so that they are drawn above the others."""

    @classmethod
    def of(cls, curves: Mapping[str, Scored], member: Bools) -> Picture:
        """Return the picture of the curves of attacks on the same models.

        Args:
            curves: the scores (models, records) by name, and what intervals are over; the most
                important ones first.
            member: bool (models, records), which records each model was trained on.
        """
        floor = max(1 / int((~member).sum()), LEAST)
        x, y = Axis(floor, LEFT, WIDTH - RIGHT), Axis(floor, HEIGHT - BOTTOM, TOP)
        lines = []
        for i, (name, (scores, over)) in enumerate(curves.items()):
            roc = Roc.of(Pairs.of(scores, member))
            fpr, tpr = roc.false_positives / roc.n_nonmembers, roc.true_positives / roc.n_members
            path = _path(_steps([(x(0), y(0)), *zip(map(x, fpr), map(y, tpr), strict=True)]))
            if i >= MAX_NAMED:
                lines.append(Line(name, path, "", "", ""))
                continue
            grid = np.geomspace(floor, 1, N_GRID)
            ends = roc_band(scores, member, roc, over, grid.tolist())[1:]
            known = ~np.isnan(ends[0])
            low, high = (
                [*zip(map(x, grid[known]), map(y, end[known]), strict=True)] for end in ends
            )
            band = f"{_path(high + low[::-1])}Z" if low else ""
            lines.append(Line(name, path, band, PALETTE[i], DASHES[i]))
        return cls(x, y, lines[::-1])

    @property
    def named(self) -> list[Line]:
        """The lines of the legend, in order."""
        return [line for line in self.lines if line.color][::-1]


def _steps(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a step function that can be told apart."""
    corners = [places[0]]
    for x, y in places[1:]:
        last_x, last_y = corners[-1]
        if x - last_x < STEP and last_y - y < STEP:
            continue
        if x > last_x:
            corners.append((x, last_y))
        corners.append((x, y))
    return [*corners, places[-1]]


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
