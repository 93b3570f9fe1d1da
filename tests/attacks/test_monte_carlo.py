"""Monte Carlo: against a loop over records, and its cap on neighbours."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from privbench.attacks.monte_carlo import MonteCarlo
from privbench.attacks.synthetic import principal

from .releases import (
    MODELS,
    copies,
    near,
    records,
    views_of_releases,
)


def slow_monte_carlo(view, dimensions):
    """Compute equation 5 of Hilprecht et al. 2019, record by record."""
    project = principal(view.reference.x, dimensions)
    distances = cdist(project(view.records), project(view.synthetic.x))
    epsilon = np.median([row.min() for row in distances])
    return [np.mean([d <= epsilon + 1e-4 for d in row]) for row in distances]


@pytest.mark.parametrize("dimensions", [3, 24])
def test_slow_reference(dimensions):
    view = views_of_releases(near)[0]
    scores = MonteCarlo(dimensions=dimensions).score(view)
    np.testing.assert_allclose(scores, slow_monte_carlo(view, dimensions))
    assert len(set(scores)) > 1


def test_neighbours_cap_the_count():
    views = views_of_releases(copies)
    same = records(np.random.default_rng(0), np.zeros(12, int))
    view = replace(views, targets=[same] * MODELS)[0]
    assert MonteCarlo(dimensions=2, neighbours=5).score(view).max() == 5 / 12
    assert MonteCarlo(dimensions=2).score(view).max() > 5 / 12
