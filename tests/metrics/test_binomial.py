"""Binomial probabilities are those of scipy.stats, to the last bit."""

import numpy as np
import pytest
from scipy.stats import binom

from privbench.metrics import binomial
from privbench.metrics.binomial import mass, survival


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9999999, 1.0])
@pytest.mark.parametrize("private", [True, False])
def test_probabilities(p, private, monkeypatch):
    if not private:  # as in a version of scipy without these names
        monkeypatch.setattr(binomial, "PRIVATE", "_no_such_")
    counts = np.arange(0, 51)
    assert np.array_equal(mass(counts, 50, p), binom.pmf(counts, 50, p))
    for count in (-1, 0, 17, 49, 50, 60):
        assert survival(count, 50, p) == binom.sf(count, 50, p)
