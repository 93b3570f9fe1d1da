"""Ranks with intervals that hold together."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr

from privbench.metrics.ranks import rank_intervals


def ranks_of(values, error):
    """The rank intervals of independent normal estimates with equal errors."""
    differences = values[:, None] - values
    return rank_intervals(differences, 2 * ndtr(-np.abs(differences) / (error * 2**0.5)))


def test_rows_that_are_far_apart_have_exact_ranks(rng):
    values = np.array([5.0, 1.0, 3.0])
    assert ranks_of(values, 1e-3) == [(3, 3), (1, 1), (2, 2)]


def test_equal_rows_share_all_ranks():
    assert ranks_of(np.zeros(4), 1.0) == [(1, 4)] * 4
    assert rank_intervals(np.zeros((1, 1)), np.ones((1, 1))) == [(1, 1)]


def test_the_order_of_rows_does_not_matter(rng):
    values = rng.normal(size=7) * 5
    order = rng.permutation(7)
    found = ranks_of(values, 1.0)
    assert ranks_of(values[order], 1.0) == [found[i] for i in order]


def test_reversed_values_have_reversed_ranks(rng):
    values = rng.normal(size=7) * 5
    assert ranks_of(-values, 1.0) == [(8 - high, 8 - low) for low, high in ranks_of(values, 1.0)]


def coverage(rng, truth, error, repeats):
    """How often the intervals of all ranks hold together; equal rows may have any of their ranks."""
    low = 1 + (truth[:, None] > truth).sum(axis=1)
    high = low + (truth[:, None] == truth).sum(axis=1) - 1
    held = 0
    for _ in range(repeats):
        found = np.array(ranks_of(truth + error * rng.normal(size=len(truth)), error))
        held += bool(((found[:, 0] <= low) & (found[:, 1] >= high)).all())
    return held / repeats


@pytest.mark.parametrize("truth", [np.zeros(12), np.arange(12) / 2.0, np.repeat([0.0, 5.0], 6)])
def test_all_ranks_hold_together(rng, truth):
    assert coverage(rng, truth, 1.0, 300) >= 0.925


def test_more_certain_rows_have_narrower_ranks(rng):
    values = rng.normal(size=8)
    widths = [sum(high - low for low, high in ranks_of(values, error)) for error in (3, 0.3, 0.03)]
    assert all(wide > narrow for wide, narrow in pairwise(widths))
