"""Paired differences of accuracies, and mixtures of rows on the frontier."""

import numpy as np
import pytest

from privbench.metrics.accuracy import accuracy, accuracy_difference
from privbench.report.frontier import frontier_of
from privbench.report.paired import (
    difference,
    difference_to_mixture,
    mixture_at,
    nothing_stored,
    stored_in,
    unpaired,
)
from privbench.storage.artifacts import Artifact, Store


@pytest.fixture
def populations(rng):
    """What three defenses predict correctly, by the key of their utility."""
    return {key: rng.random((6, 50)) < p for key, p in (("a", 0.9), ("b", 0.6), ("c", 0.5))}


@pytest.fixture
def rows_of(row, populations):
    return {
        key: row(
            defense=f"dp-sgd[{key}]", utility_key=key, n_test=50, test_accuracy=float(bits.mean()),
            auc=auc,
        )
        for (key, bits), auc in zip(populations.items(), (0.8, 0.6, 0.5), strict=True)
    }  # fmt: skip


@pytest.fixture
def correct(populations):
    return lambda row: populations[row["utility_key"]]


def test_a_difference_is_paired_by_what_is_stored(rows_of, populations, correct):
    estimate, interval = difference(rows_of["a"], rows_of["b"], correct)
    assert estimate == pytest.approx(populations["a"].mean() - populations["b"].mean())
    assert interval == accuracy_difference(populations["a"], populations["b"])[1]


def test_without_artifacts_a_difference_has_no_interval(rows_of):
    estimate, interval = difference(rows_of["a"], rows_of["b"], nothing_stored)
    assert estimate > 0
    assert interval is None


def test_an_unpaired_interval_is_wider_than_a_paired_one(rows_of, populations, correct):
    for key, bits in populations.items():
        rows_of[key]["test_accuracy_ci"] = list(accuracy(bits)[1])
    mixture = [(rows_of["b"], 0.25), (rows_of["c"], 0.75)]
    low, high = unpaired(rows_of["a"], mixture)
    paired = difference_to_mixture(rows_of["a"], mixture, correct)[1]
    assert low < paired[0] < paired[1] < high


def test_an_unpaired_interval_is_the_sum_of_both(row):
    rows = [row(test_accuracy_ci=ends) for ends in ([0.7, 0.9], [0.5, 0.6], [0.3, 0.8])]
    assert unpaired(rows[0], [(rows[1], 1.0)]) == pytest.approx((0.1, 0.4))
    assert unpaired(rows[0], [(rows[1], 0.5), (rows[2], 0.5)]) == pytest.approx((0.0, 0.5))
    assert unpaired(rows[0], [(row(), 1.0)]) is None


def test_populations_of_other_sizes_are_not_paired(rows_of, populations):
    populations["b"] = populations["b"][:3]
    assert (
        difference(rows_of["a"], rows_of["b"], lambda r: populations[r["utility_key"]])[1] is None
    )


def test_a_mixture_is_the_weighted_mean_of_its_rows(rows_of, populations, correct):
    mixture = [(rows_of["b"], 0.25), (rows_of["c"], 0.75)]
    estimate, interval = difference_to_mixture(rows_of["a"], mixture, correct)
    mixed = 0.25 * populations["b"] + 0.75 * populations["c"]
    assert estimate == pytest.approx(populations["a"].mean() - mixed.mean())
    assert interval == pytest.approx(accuracy_difference(populations["a"], mixed)[1])


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


def test_bits_are_read_from_the_store(tmp_path, row, rng):
    bits = rng.random((3, 13)) < 0.5
    store = Store(tmp_path)
    store.save(
        "utility", "k", Artifact({"test_correct": np.packbits(bits, axis=1)}), seconds=0.0,
        provenance={},
    )  # fmt: skip
    read = stored_in(store)
    assert (read(row(utility_key="k", n_test=13)) == bits).all()
    assert read(row(utility_key="other", n_test=13)) is None
    assert read(row()) is None  # a row of an earlier version
