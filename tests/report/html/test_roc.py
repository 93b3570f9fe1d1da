"""ROC curves as paths: where points are, and that bands are the intervals of the metrics."""

import re
from itertools import pairwise

import numpy as np
import pytest

from privbench.metrics import Influences, Pairs, Roc
from privbench.report.html.roc import MAX_NAMED, Axis, Picture


@pytest.fixture
def population():
    rng = np.random.default_rng(0)
    member = rng.random((16, 200)) < 0.5
    return rng.normal(size=member.shape) + 1.5 * member, member


def points(path):
    return [tuple(map(float, p.split())) for p in re.split("[ML]", path.rstrip("Z")) if p]


def test_an_axis_is_logarithmic():
    axis = Axis(0.001, 100.0, 400.0)
    assert [axis(x) for x in (0.001, 0.01, 0.1, 1.0)] == [100.0, 200.0, 300.0, 400.0]
    assert axis(0.0) == 100.0
    assert axis.ticks == [(100.0, "0.1%"), (200.0, "1%"), (300.0, "10%"), (400.0, "100%")]


def test_a_curve_ends_at_one_and_passes_the_tpr(population):
    scores, member = population
    picture = Picture.of({"a": (scores, "models")}, member)
    (line,) = picture.named
    places = points(line.path)
    assert places[-1] == (picture.x(1.0), picture.y(1.0))
    assert all(b[0] >= a[0] and b[1] <= a[1] for a, b in pairwise(places))
    rate = Roc.of(Pairs.of(scores, member)).tpr_at_fpr(0.1)
    at = max(p for p in places if p[0] <= picture.x(0.1))
    assert at[1] == pytest.approx(picture.y(rate), abs=1.5)


def test_a_band_is_the_interval_of_the_tpr(population):
    scores, member = population
    picture = Picture.of({"a": (scores, "models and records")}, member)
    corners = points(picture.named[0].band)
    floor = picture.x.low
    roc = Roc.of(Pairs.of(scores, member))
    low, high = Influences.of(scores, member, (floor, 1.0)).intervals(roc).tpr_at_fpr[floor]
    assert corners[0] == pytest.approx((picture.x(floor), picture.y(high)), abs=0.2)
    assert corners[-1] == pytest.approx((picture.x(floor), picture.y(low)), abs=0.2)


def test_the_first_curves_are_named_and_drawn_last(population):
    scores, member = population
    curves = {f"a{i}": (scores, "models") for i in range(MAX_NAMED + 2)}
    picture = Picture.of(curves, member)
    assert [line.name for line in picture.named] == [f"a{i}" for i in range(MAX_NAMED)]
    assert picture.lines[-1].name == "a0"
    assert [line.color for line in picture.lines[:2]] == ["", ""]
    looks = {(line.color, line.dash) for line in picture.named}
    assert len(looks) == MAX_NAMED
