"""Fidelity against slow references, and where it must be one or zero."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from privbench.metrics.fidelity import column_fidelity, pairwise_fidelity


def records(n=60, seed=0):
    """Return records with two numbers, a category of three, two numbers that depend on each other."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, 1))
    one_hot = np.eye(3)[rng.integers(0, 3, n)]
    return np.hstack([first, rng.normal(size=(n, 1)), one_hot, first + rng.normal(size=(n, 1))])


BLOCKS = [(2, 5)]


def test_the_same_records_in_another_order_are_the_same():
    x = records()
    shuffled = x[np.random.default_rng(1).permutation(60)]
    np.testing.assert_allclose(column_fidelity(x, shuffled, BLOCKS), 1)
    assert pairwise_fidelity(x, shuffled) == pytest.approx(1)


def test_columns_are_compared_by_their_kind():
    x, other = records(60), records(45, seed=1)
    other[:, 0] += 0.5
    fidelity = column_fidelity(x, other, BLOCKS)
    variation = 0.5 * sum(abs(x[:, i].mean() - other[:, i].mean()) for i in (2, 3, 4))
    distances = [ks_2samp(x[:, i], other[:, i]).statistic for i in (0, 1, 5)]
    np.testing.assert_allclose(fidelity, 1 - np.array([variation, *distances]))
    np.testing.assert_allclose(column_fidelity(other, x, BLOCKS), fidelity)


def test_a_single_feature_holds_the_share_of_one_of_two_categories():
    """Decoded binary features are probabilities: their mean is compared, not their distribution."""
    x = np.array([[0.0], [0.0], [1.0], [0.0]])
    assert column_fidelity(x, np.full((2, 1), 0.25), [(0, 1)]) == 1
    assert column_fidelity(x, np.full((2, 1), 0.75), [(0, 1)]) == 0.5
    assert column_fidelity(x, np.full((2, 1), 0.25)) == 0.25


def test_nothing_in_common_is_zero():
    x = np.array([[0.0, 1, 0], [1.0, 1, 0]])
    other = np.array([[5.0, 0, 1], [6.0, 0, 1]])
    np.testing.assert_array_equal(column_fidelity(x, other, [(1, 3)]), 0)


def test_pairs_are_compared_by_their_correlation():
    x, other = records(60), records(45, seed=1)
    total = []
    for i in range(6):
        for j in range(i):
            real, synthetic = (np.corrcoef(r[:, i], r[:, j])[0, 1] for r in (x, other))
            total.append(1 - abs(real - synthetic) / 2)
    assert pairwise_fidelity(x, other) == pytest.approx(np.mean(total))


def test_opposite_correlations_are_zero_and_constants_correlate_with_nothing():
    x = np.random.default_rng(0).normal(size=(50, 1))
    assert pairwise_fidelity(np.hstack([x, x]), np.hstack([x, -x])) == pytest.approx(0)
    assert pairwise_fidelity(np.hstack([x, x]), np.hstack([x, 0 * x])) == pytest.approx(0.5)
    assert pairwise_fidelity(x, -x) == 1
