"""Accuracy at equal exposure."""

import numpy as np
import pytest

from privbench.report.frontier import Frontier, exposures, frontier_of
from privbench.report.views import utility


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
        found = frontier.accuracy_at(at)
        assert (found is None) == (best == -1)
        assert found is None or found >= best


def test_the_strongest_attack_is_the_exposure(rows):
    best = exposures([row for row in rows if row["subset"] == "records"], "auc")
    assert {name: row["auc"] for name, row in best.items()} == {"none": 0.75, "dp-sgd": 0.53}
    assert frontier_of(best, "auc").exposure.tolist() == [0.53]
    assert frontier_of(best, "auc", "none").accuracy.tolist() == [0.9]


def test_a_defense_without_a_value_is_left_out(row):
    rows = [row(tpr=None), row(defense="other", tpr=0.2), row(defense="failed", status="failed")]
    assert set(exposures(rows, "tpr")) == {"other"}


def test_the_view_compares_at_equal_exposure(row):
    rows = [
        row(auc=0.6, test_accuracy=0.9, column_fidelity=0.97, pairwise_fidelity=0.9),
        row(auc=0.99, tpr=0.5, subset="canaries", test_accuracy=0.9),
        row(auc=0.8, attack="dcr", observes="synthetic", test_accuracy=0.9),
        row(defense="dp-sgd[epsilon=1]", auc=0.5, test_accuracy=0.3),
        row(defense="dp-sgd[epsilon=9]", auc=0.7, test_accuracy=0.5),
        row(defense="dp-sgd[epsilon=9]", subset="canaries", tpr=0.7, test_accuracy=0.5),
    ]
    (block,) = utility(rows)
    none, *private = block.lines
    assert none == {
        "defense": "none",
        "test\nacc.": ".900",
        "AUC": ".600",
        "dp-sgd at\nthis AUC": ".400",
        "canaries\nTPR": ".500",
        "data\nAUC": ".800",
        "column\nfidelity": ".970",
        "pairwise\nfidelity": ".900",
    }
    assert [line["dp-sgd at\nthis AUC"] for line in private] == ["-", "-"]
