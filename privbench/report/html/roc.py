"""ROC curves as paths of SVG, on log-log axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privbench.report.plots import PALETTE

if TYPE_CHECKING:
    from privbench.report.plots import RocCurve

WIDTH, HEIGHT = 560.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 12.0, 46.0
"""Margins of the axes, in units of the picture."""
MAX_NAMED = 5
"""Largest number of curves that have a color, a band and a name; others are grey."""
DASHES = ("", "8 3", "2 3", "8 3 2 3", "12 3")
"""The dashes beside the colors."""
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
    def of(cls, curves: dict[str, RocCurve], first: str | None, floor: float) -> Picture:
        """Return the picture of curves.

        Args:
            curves: the curves by name, the most important ones first.
            first: the name of one that is named in any case.
            floor: the smallest rate that is shown.
        """
        x, y = Axis(floor, LEFT, WIDTH - RIGHT), Axis(floor, HEIGHT - BOTTOM, TOP)
        order = sorted(curves, key=lambda name: name != first)
        lines = []
        for i, name in enumerate(order):
            curve, named = curves[name], i < MAX_NAMED
            band = ""
            if named and curve.low is not None and curve.high is not None:
                known = [k for k in range(len(curve.grid)) if not math.isnan(curve.low[k])]
                upper = [(x(curve.grid[k]), y(curve.high[k])) for k in known]
                lower = [(x(curve.grid[k]), y(curve.low[k])) for k in reversed(known)]
                band = f"{_path(upper + lower)}Z" if known else ""
            places = _steps([(x(a), y(b)) for a, b in zip(curve.fpr, curve.tpr, strict=True)])
            color, dash = (PALETTE[i], DASHES[i]) if named else ("", "")
            lines.append(Line(name, _path(places), band, color, dash))
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
