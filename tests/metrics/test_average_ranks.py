"""Ranks are those of scipy.stats."""

import numpy as np
import pytest
from scipy.stats import rankdata

from privbench.metrics.average_ranks import average_ranks


@pytest.mark.parametrize("shape", [(6, 40), (1, 3), (9,), (0, 2)])
def test_ranks_with_ties(shape):
    values = np.random.default_rng(0).integers(0, 4, shape) / 4
    ranks = average_ranks(values)
    assert ranks.shape == shape
    if values.size:
        assert np.array_equal(ranks, rankdata(values, axis=0))
