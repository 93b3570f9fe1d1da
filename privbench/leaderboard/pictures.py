"""The pictures of the leaderboard as coordinates; templates draw them as SVG.

They are part of the pages: they need neither a script nor a plotting library in the browser, have the
colors of the page, and their points are links.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from privbench.leaderboard.board import Attacked, Board, Curve, Entry, Number
from privbench.report.numbers import number

WIDTH, HEIGHT = 640.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 28.0, 44.0
"""Of the axes, in units of the picture."""
ROC_SIZE = 400.0
LEAST_RATE = 1e-3
"""Where the axes of ROC curves begin."""
WIDE, NARROW = (6.4, 13.0), (10.5, 21.0)
"""Width of a character and height of a line of a label, on a desktop and on a phone."""
Label = tuple[float, float, str]
"""Where a name stands, and its text anchor."""


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic map of values to coordinates."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value; values beyond the axis are moved to its ends."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inside = min(max(value, self.low), self.high)
        share = ((math.log(inside) if self.log else inside) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return coordinates and texts of ticks."""
        if self.log:
            powers = range(round(math.log10(self.low)), 1)
            return [(self(10.0**power), f"{10.0**power:.3g}") for power in powers]
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        inside = [float(v) for v in values if self.low <= v <= self.high]
        return [(self(value), f"{value:.3g}") for value in inside]


@dataclass(frozen=True)
class Point:
    """A defense in the picture of the trade-off."""

    entry: Entry
    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None
    text: str
    """What hovering says."""
    label: Label | None
    """Of its name; None if there is no room."""
    narrow_label: Label | None
    """The same on a phone, where names are larger beside the picture."""


@dataclass(frozen=True)
class Tradeoff:
    """Accuracy from left to right and AUC from bottom to top: the best place is at the lower right."""

    x: Axis
    y: Axis
    points: Sequence[Point]
    frontier: str
    """The frontier of the reference points as the points of a polyline; empty without."""
    public_only: float | None


def tradeoff(board: Board) -> Tradeoff | None:
    """Return the picture of a board; None if no defense was attacked."""
    shown = [(entry, entry.ranked_by.auc) for entry in board.entries if entry.ranked_by]
    if not shown:
        return None
    accuracies = [value for entry, _ in shown for value in _ends(entry.accuracy)]
    accuracies += [board.public_only.value] if board.public_only else []
    aucs = [value for _, auc in shown for value in _ends(auc)] + [0.5]
    x = Axis(*_padded(accuracies), LEFT, WIDTH - RIGHT)
    y = Axis(*_padded(aucs), HEIGHT - BOTTOM, TOP)
    places = [(x(entry.accuracy.value), y(auc.value)) for entry, auc in shown]
    labels = [_labels([entry for entry, _ in shown], places, size) for size in (WIDE, NARROW)]
    points = [
        Point(
            entry, *place, _interval(x, entry.accuracy), _interval(y, auc),
            f"{entry.defense}: accuracy {number(entry.accuracy.value)}, AUC {number(auc.value)}", *own,
        )
        for (entry, auc), place, own in zip(shown, places, zip(*labels, strict=True), strict=True)
    ]  # fmt: skip
    corners = " ".join(f"{x(accuracy)},{y(auc)}" for auc, accuracy in board.frontier)
    return Tradeoff(
        x, y, points, corners, x(board.public_only.value) if board.public_only else None
    )


@dataclass(frozen=True)
class Line:
    """A ROC curve: paths of the curve and of its band, and its name."""

    name: str
    path: str
    band: str


ROC_X = Axis(LEAST_RATE, 1.0, LEFT, ROC_SIZE - RIGHT, log=True)
ROC_Y = Axis(LEAST_RATE, 1.0, ROC_SIZE - BOTTOM, TOP, log=True)


def roc_lines(entry: Entry) -> list[Line]:
    """Return the ROC curves of what a board shows of a defense, where they are known."""
    named: dict[str, Attacked | None] = {
        "records": entry.ranked_by,
        "canaries": entry.canaries,
        "naive": entry.naive,
        "released data": entry.release,
    }
    lines = []
    for name, attacked in named.items():
        curve = None if attacked is None else curve_of(entry, attacked)
        if attacked is not None and curve is not None:
            text = f"{_attack_text(attacked)}, {name}"
            lines.append(Line(text, path_of(curve), band_of(curve)))
    return lines


def curve_of(entry: Entry, attacked: Attacked) -> Curve | None:
    """Return the ROC curve of an attack, which is with the other attacks on the defense."""

    def identity(one: Attacked) -> tuple[object, ...]:
        return one.attack, one.knowledge, one.canary_kind, one.row["observes"]

    same = (other for other in entry.attacked if identity(other) == identity(attacked))
    return next((other.curve for other in same), None)


def diagonal() -> str:
    """Return the path of the ROC curve of guessing."""
    return _path([(ROC_X(LEAST_RATE), ROC_Y(LEAST_RATE)), (ROC_X(1.0), ROC_Y(1.0))])


def path_of(curve: Curve) -> str:
    """Return the path of a ROC curve on logarithmic axes."""
    return _path(_places(curve.fpr, curve.tpr))


def band_of(curve: Curve) -> str:
    """Return the path around the band of a ROC curve."""
    return _path([*_places(curve.fpr, curve.high), *_places(curve.fpr, curve.low)[::-1]]) + "Z"


def bar(value: Number) -> tuple[float, float, float]:
    """Return start, length and middle of the interval of an AUC, on a bar from 0.5 to 1 of 100 units."""
    low, middle, high = (
        min(max(200 * (v - 0.5), 0.0), 100.0)
        for v in (_ends(value)[0], value.value, _ends(value)[1])
    )
    return round(low, 1), round(max(high - low, 1.0), 1), round(middle, 1)


def _attack_text(attacked: Attacked) -> str:
    return attacked.attack + (f" on {attacked.canary_kind}" if attacked.canary_kind else "")


def _places(fpr: Sequence[float], tpr: Sequence[float]) -> list[tuple[float, float]]:
    return [(ROC_X(x), ROC_Y(y)) for x, y in zip(fpr, tpr, strict=True) if x >= LEAST_RATE]


def _path(places: Sequence[tuple[float, float]]) -> str:
    """Return a path without the points that a straight line between their neighbors has anyway."""
    kept: list[tuple[float, float]] = []
    for place in places:
        if len(kept) > 1 and (kept[-2][1] == kept[-1][1] == place[1]):
            kept[-1] = place
        else:
            kept.append(place)
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in kept)


def _ends(value: Number) -> tuple[float, float]:
    return (
        value.value if value.low is None else value.low,
        value.value if value.high is None else value.high,
    )


def _interval(axis: Axis, value: Number) -> tuple[float, float] | None:
    return None if value.low is None else (axis(_ends(value)[0]), axis(_ends(value)[1]))


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = max(0.04 * (high - low), 0.005)
    return low - pad, high + pad


def _labels(
    entries: Sequence[Entry], places: Sequence[tuple[float, float]], size: tuple[float, float]
) -> list[Label | None]:
    """Return places for names: first of the front, then of baselines, then of others that have room."""
    width, height = size
    boxes = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    labels: list[Label | None] = [None] * len(entries)
    order = sorted(
        range(len(entries)), key=lambda i: (not entries[i].on_front, entries[i].rank is not None, i)
    )
    for i in order:
        (x, y), length = places[i], width * len(entries[i].defense)
        sides = [(7, -5, "start"), (7, height, "start"), (-7, -5, "end"), (-7, height, "end")]
        for dx, dy, anchor in sides:
            left = x + dx - (length if anchor == "end" else 0)
            box = (left, y + dy - height + 3, left + length, y + dy + 3)
            free = not any(_overlap(box, other) for k, other in enumerate(boxes) if k != i)
            if (
                free
                and box[0] > LEFT
                and box[2] < WIDTH
                and box[1] > TOP
                and box[3] < HEIGHT - BOTTOM
            ):
                labels[i] = (round(x + dx, 1), round(y + dy, 1), anchor)
                boxes.append(box)
                break
    return labels


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )
