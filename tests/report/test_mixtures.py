"""Mixtures of rows on the frontier."""

import pytest

from privbench.report.frontier import frontier_of
from privbench.report.mixtures import mixture_at


@pytest.fixture
def rows_of(row):
    values = {"a": (0.9, 0.8), "b": (0.6, 0.6), "c": (0.5, 0.5)}
    return {
        key: row(defense=f"dp-sgd[{key}]", test_accuracy=accuracy, auc=auc)
        for key, (accuracy, auc) in values.items()
    }


@pytest.mark.parametrize("exposure", [0.5, 0.53, 0.6, 0.72, 0.8, 0.9])
def test_the_mixture_at_an_exposure_has_the_accuracy_of_the_frontier(rows_of, exposure):
    strongest = {row["defense"]: row for row in rows_of.values()}
    frontier = frontier_of(strongest, "auc")
    mixture = mixture_at(frontier, strongest, "auc", exposure)
    accuracy = sum(weight * row["test_accuracy"] for row, weight in mixture)
    assert accuracy == pytest.approx(frontier.accuracy_at(exposure))
    assert sum(weight for _, weight in mixture) == pytest.approx(1)


def test_another_defense_on_a_corner_of_the_frontier_is_not_mixed(rows_of, row):
    corner = row(defense="twin", auc=0.5, test_accuracy=rows_of["c"]["test_accuracy"])
    strongest = {r["defense"]: r for r in [*rows_of.values(), corner]}
    mixture = mixture_at(frontier_of(strongest, "auc"), strongest, "auc", 0.5)
    assert [r["defense"] for r, _ in mixture] == ["dp-sgd[c]"]


def test_below_the_frontier_there_is_no_mixture(rows_of):
    strongest = {row["defense"]: row for row in rows_of.values()}
    assert mixture_at(frontier_of(strongest, "auc"), strongest, "auc", 0.4) == []
    assert mixture_at(frontier_of({}, "auc"), {}, "auc", 0.4) == []
