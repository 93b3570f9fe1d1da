"""The mechanisms that read private records, against their closed forms."""

import numpy as np
import pytest
from privbench_marginals.measuring import epsilon_of_selection, measure, select
from privbench_marginals.merging import Merging
from privbench_marginals.table import Table

TABLE = Table(np.array([[0, 0], [1, 2], [1, 2], [0, 1]]), (2, 3))


def test_marginals_count_records():
    assert TABLE.count((0,)).tolist() == [2, 2]
    assert TABLE.count((0, 1)).tolist() == [1, 1, 0, 0, 0, 2]
    assert TABLE.count((1, 0)).tolist() == [1, 0, 1, 0, 0, 2]


def test_the_noise_of_marginals_spends_rho():
    rng = np.random.default_rng(0)
    marginals, rho = [(0,), (1,), (0, 1)], 0.2
    noise = []
    for _ in range(3000):
        for measured in measure(TABLE, marginals, rho, rng):
            noise += (measured.counts - TABLE.count(measured.columns)).tolist()
    assert np.var(noise) == pytest.approx(measured.sd**2, rel=0.05)
    assert len(marginals) / (2 * measured.sd**2) == pytest.approx(rho)  # L2 sensitivity sqrt(3)
    assert np.mean(noise) == pytest.approx(0, abs=0.1)


def test_selection_has_the_odds_of_the_exponential_mechanism():
    rng, scores, epsilon = np.random.default_rng(0), np.array([0.0, 1.0, 3.0]), 1.5
    drawn = [select(scores, epsilon, rng, sensitivity=2.0) for _ in range(40_000)]
    weights = np.exp(epsilon * scores / (2 * 2.0))
    np.testing.assert_allclose(np.bincount(drawn) / len(drawn), weights / weights.sum(), atol=0.01)
    assert epsilon_of_selection(epsilon**2 / 8) == pytest.approx(epsilon)


def test_rare_categories_are_merged_and_drawn_apart_again():
    table = Table(np.repeat([[0, 0], [0, 1], [0, 2]], [100, 2, 1], axis=0), (1, 3))
    one_way = measure(table, [(0,), (1,)], rho=10.0, rng=np.random.default_rng(1))
    merging = Merging((np.array([0]), np.array([0, 1, 1])))
    assert merging.sizes == (1, 2)
    assert merging.table(table).count((1,)).tolist() == [100, 3]
    merged = merging.measurement(one_way[1])
    back = merged.counts / merged.weights
    np.testing.assert_allclose(back, [one_way[1].counts[0], one_way[1].counts[1:].sum()])
    drawn = merging.split(np.array([[0, 0], [0, 1]] * 500), np.random.default_rng(0))
    counts = np.bincount(drawn[:, 1])
    assert counts[0] == 500
    assert abs(counts[1] - counts[2]) < 100


def test_what_is_rare_is_decided_by_noisy_counts():
    table = Table(np.repeat([[0], [1], [2]], [100, 50, 0], axis=0), (3,))
    (measured,) = measure(table, [(0,)], rho=1.0, rng=np.random.default_rng(0))
    assert Merging.of([measured]).numbers[0].tolist() == [0, 1, 2]
    assert Merging.of([measured]).sizes == (3,)
    none = Merging.none(table.sizes)
    assert none.table(table).records.tolist() == table.records.tolist()
