"""Accuracy at equal exposure."""

import numpy as np
import pytest

from privbench.report.frontier import Frontier, exposures, frontier_of


def test_between_two_points_the_frontier_is_straight():
    frontier = Frontier.of([0.5, 0.7], [0.2, 0.4])
    assert frontier.accuracy_at(0.6) == pytest.approx(0.3)


def test_below_its_first_point_nothing_is_known_and_above_its_last_no_more_is_gained():
    frontier = Frontier.of([0.5, 0.7], [0.2, 0.4])
    assert frontier.accuracy_at(0.49) is None
    assert frontier.accuracy_at(0.95) == 0.4
    assert Frontier.of([], []).accuracy_at(0.5) is None


def test_it_is_never_below_what_a_less_exposed_point_has():
    rng = np.random.default_rng(0)
    exposure, accuracy = rng.random(20), rng.random(20)
    frontier = Frontier.of(exposure, accuracy)
    for at in np.append(exposure, rng.random(50)):
        best = accuracy[exposure <= at].max(initial=-1)
        reached = frontier.accuracy_at(at)
        assert (reached is None) == (best == -1)
        assert reached is None or reached >= best


def slow_hull(exposure, accuracy, at):
    """The best point up to ``at``, or mixture of two points whose mean exposure is ``at``."""
    points = list(zip(exposure, accuracy, strict=True))
    best = [y for x, y in points if x <= at]
    for x0, y0 in points:
        best += [
            y0 + (y1 - y0) * (at - x0) / (x1 - x0)
            for x1, y1 in points
            if x0 < x1 and x0 <= at <= x1
        ]
    return max(best, default=None)


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_it_is_the_best_of_all_mixtures_of_two_points(n):
    rng = np.random.default_rng(n)
    exposure, accuracy = rng.random(n).round(1), rng.random(n)  # some exposures are equal
    frontier = Frontier.of(exposure, accuracy)
    for at in np.append(exposure, rng.random(50)):
        expected = slow_hull(exposure, accuracy, at)
        assert frontier.accuracy_at(at) == (None if expected is None else pytest.approx(expected))


def test_the_order_of_points_and_points_below_the_hull_change_nothing():
    frontier = Frontier.of([0.5, 0.6, 0.8], [0.2, 0.5, 0.6])
    more = Frontier.of([0.8, 0.7, 0.5, 0.6, 0.9], [0.6, 0.54, 0.2, 0.5, 0.6])
    assert more.exposure.tolist() == frontier.exposure.tolist()
    assert more.accuracy.tolist() == frontier.accuracy.tolist()


def test_recipes_of_the_baseline_make_one_frontier_and_its_public_start_is_another_defense(row):
    rows = [
        row(defense="dp-sgd[epsilon=1]", auc=0.52, test_accuracy=0.3),
        row(defense="dp-sgd[epsilon=8,lr=1]", auc=0.6, test_accuracy=0.5),
        row(defense="dp-sgd[epsilon=8]", auc=0.6, test_accuracy=0.4),
        row(defense="dp-sgd-pretrained[epsilon=8]", auc=0.55, test_accuracy=0.9),
    ]
    strongest = exposures(rows, "auc")
    assert frontier_of(strongest, "auc").accuracy.tolist() == [0.3, 0.5]
    assert frontier_of(strongest, "auc", "dp-sgd-pretrained").accuracy.tolist() == [0.9]


def test_the_strongest_attack_is_the_exposure(rows):
    strongest = exposures([row for row in rows if row["subset"] == "records"], "auc")
    assert {name: row["auc"] for name, row in strongest.items()} == {"none": 0.75, "dp-sgd": 0.53}
    assert frontier_of(strongest, "auc").exposure.tolist() == [0.53]
    assert frontier_of(strongest, "auc", "none").accuracy.tolist() == [0.9]


def test_a_defense_without_a_value_is_left_out(row):
    rows = [row(tpr=None), row(defense="other", tpr=0.2), row(defense="failed", status="failed")]
    assert set(exposures(rows, "tpr")) == {"other"}
