"""Labels that cover neither each other nor points."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from privbench.report.labels import MARKER, place_labels
from privbench.report.plots import panels

NO_POINTS, NO_LINES = np.empty((0, 2)), np.empty((0, 2, 2))


@pytest.fixture
def axes():
    figure, (axes,) = panels(1, 1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return axes


def boxes(annotations):
    annotations[0].figure.draw_without_rendering()
    return [Text.get_window_extent(annotation) for annotation in annotations]


def overlap(a, b):
    return min(a.x1, b.x1) > max(a.x0, b.x0) + 1e-6 and min(a.y1, b.y1) > max(a.y0, b.y0) + 1e-6


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1, 0.5])
def test_ten_labels_of_near_points_do_not_collide(axes, spread):
    points = 0.5 + spread * np.random.default_rng(0).uniform(-1, 1, (10, 2))
    texts = [f"a-long-defense[epsilon={i}]" for i in range(10)]
    found = boxes(place_labels(axes, texts, points, NO_POINTS, NO_LINES))
    assert not any(overlap(a, b) for a, b in combinations(found, 2))


def test_labels_do_not_cover_points(axes):
    """A free place is 12 points away, while all places at the smallest distance cover something."""
    at = axes.transData.transform((0.5, 0.5))
    ring = [at + 25 * np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, 2 * np.pi, 12)]
    others = axes.transData.inverted().transform(ring)
    (box,) = boxes(place_labels(axes, ["name"], np.array([[0.5, 0.5]]), others, NO_LINES))
    reach = MARKER * axes.figure.dpi / 72
    for x, y in ring:
        assert not (box.x0 < x + reach and x - reach < box.x1
                    and box.y0 < y + reach and y - reach < box.y1)  # fmt: skip


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_labels_stay_inside_of_the_axes(axes, corner):
    (box,) = boxes(place_labels(axes, ["a long name"], np.array([corner]), NO_POINTS, NO_LINES))
    inside = axes.get_window_extent()
    assert inside.x0 <= box.x0 < box.x1 <= inside.x1
    assert inside.y0 <= box.y0 < box.y1 <= inside.y1


def test_a_label_is_right_of_its_point_unless_a_line_is_there(axes):
    point = np.array([[0.5, 0.5]])
    middle = axes.transData.transform(point[0])
    (free,) = boxes(place_labels(axes, ["name"], point, NO_POINTS, NO_LINES))
    assert free.x0 > middle[0]
    assert free.y0 < middle[1] < free.y1
    bar = np.array([[[0.5, 0.5], [0.8, 0.5]]])
    (above,) = boxes(place_labels(axes, ["name"], point, NO_POINTS, bar))
    assert above.y0 > middle[1]
    assert above.x0 > middle[0]


def test_places_are_the_same_each_time(axes):
    points = np.random.default_rng(1).random((6, 2))
    first, second = (
        [a.get_position() for a in place_labels(axes, list("abcdef"), points, NO_POINTS, NO_LINES)]
        for _ in range(2)
    )
    assert first == second
