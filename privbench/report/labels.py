"""Labels beside the points of a plot that cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.escape import plot_text

Floats = NDArray[np.float64]

SIDES = ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1))
"""Directions from a point to its label, the preferred ones first."""
DISTANCES = (6.0, 12.0, 18.0, 26.0, 36.0, 48.0, 62.0, 80.0)
"""Distances of a label from its point, in typographic points."""
LEADER = 12.0
"""Distance from which on a line leads from the point to its label, in typographic points."""
MARKER = 4.0
"""Half of the width of a point, in typographic points."""
BACKGROUND = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7}
"""The box behind a label; an outline of its letters would make paths of them in SVG."""
OUTSIDE, LABEL, POINT, LINE = 1000.0, 100.0, 20.0, 3.0
"""Costs of a label that leaves the axes, covers another one, covers a point, or crosses a line."""


def place_labels(
    axes: Any, texts: Sequence[str], points: Floats, others: Floats, lines: Floats
) -> list[Any]:
    """Write a label beside each point, at the place with the lowest cost, in the order of the texts.

    The limits of the axes and the layout of the figure must be final.

    Args:
        axes: the matplotlib axes.
        texts: the labels.
        points: (n, 2), the point of each label, in data coordinates.
        others: (m, 2), further points that labels should not cover.
        lines: (k, 2, 2), ends of lines that labels should not cross, such as error bars.

    Returns:
        The annotations.
    """
    scale = axes.figure.dpi / 72  # pixels per typographic point
    bounds = axes.get_window_extent().extents
    pixels = axes.transData.transform(np.reshape(points, (-1, 2)))
    obstacles = _boxes(np.vstack([pixels, _transformed(axes, others)]), MARKER * scale)
    crossed = _transformed(axes, lines).reshape(-1, 4)
    placed = np.empty((0, 4))
    annotations = []
    for text, point, place in zip(texts, pixels, points, strict=True):
        annotation = axes.annotate(
            plot_text(text), place, textcoords="offset points", xytext=(0, 0), fontsize=8, zorder=5,
            arrowprops={"arrowstyle": "-", "color": "0.4", "linewidth": 0.6, "shrinkB": 3},
            bbox=BACKGROUND,
        )  # fmt: skip
        annotation.set_in_layout(False)
        size = _text_size(annotation)
        best = min(
            (
                (_cost(box, bounds, placed, obstacles, crossed) + distance / 20, order, box)
                for order, (distance, box) in enumerate(_candidates(point, size, scale))
            ),
            key=lambda candidate: candidate[:2],
        )[2]
        annotation.set_position((best[:2] - point) / scale)
        near = np.clip(point, best[:2], best[2:])
        if np.linalg.norm(near - point) < LEADER * scale:
            annotation.arrow_patch.set_visible(False)
        placed = np.vstack([placed, best])
        annotations.append(annotation)
    return annotations


def _candidates(point: Floats, size: Floats, scale: float) -> list[tuple[float, Floats]]:
    """Return distances, and boxes (left, bottom, right, top) of the label, the nearest ones first."""
    candidates = []
    for distance in DISTANCES:
        for side in SIDES:
            direction = np.array(side, dtype=np.float64)
            near = point + direction / np.linalg.norm(direction) * distance * scale
            corner = near - size * (1 - direction) / 2
            candidates.append((distance, np.concatenate([corner, corner + size])))
    return candidates


def _cost(box: Floats, bounds: Floats, placed: Floats, points: Floats, lines: Floats) -> float:
    inside = (box[:2] >= bounds[:2]).all() and (box[2:] <= bounds[2:]).all()
    return float(
        OUTSIDE * (not inside)
        + LABEL * _overlaps(box, placed).sum()
        + POINT * _overlaps(box, points).sum()
        + LINE * _crosses(box, lines).sum()
    )


def _overlaps(box: Floats, boxes: Floats) -> NDArray[np.bool_]:
    below, above = box[:2] < boxes[:, 2:], box[2:] > boxes[:, :2]
    return np.asarray(np.logical_and(below, above).all(axis=1))


def _crosses(box: Floats, lines: Floats) -> NDArray[np.bool_]:
    """Return which of the lines (k, 4), from end to end, have one of 33 equidistant points in a box."""
    steps = np.linspace(0, 1, 33)[:, None, None]
    along = lines[:, :2] * (1 - steps) + lines[:, 2:] * steps
    inside = np.logical_and(along > box[:2], along < box[2:]).all(axis=2)
    return np.asarray(inside.any(axis=0))


def _boxes(pixels: Floats, reach: float) -> Floats:
    return np.hstack([pixels - reach, pixels + reach])


def _transformed(axes: Any, places: Floats) -> Floats:
    transformed: Floats = axes.transData.transform(np.reshape(places, (-1, 2)))
    return transformed


def _text_size(annotation: Any) -> Floats:
    """Return width and height of a text in pixels, without its leading line."""
    from matplotlib.text import Text

    return np.array(Text.get_window_extent(annotation).size)
