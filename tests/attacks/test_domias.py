"""DOMIAS: against kernel densities by their formula."""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from privbench.attacks.domias import Domias
from privbench.attacks.synthetic import principal

from .releases import (
    ignores,
    views_of_releases,
)


def test_the_density_ratio_is_that_of_kernels():
    view = views_of_releases(ignores)[0]
    project = principal(view.reference.x, 4)
    points, s, r = (
        project(x).astype(float) for x in (view.records, view.synthetic.x, view.reference.x)
    )

    def density(data, width=0.7):
        return logsumexp(-0.5 * (cdist(points, data) / width) ** 2, axis=1) - np.log(len(data))

    scores = Domias(dimensions=4, bandwidth=0.7).score(view)
    np.testing.assert_allclose(scores, density(s) - density(r), atol=1e-3)


def test_the_bandwidth_is_scotts_rule_by_default():
    views = views_of_releases(ignores)
    small = replace(views, reference=views.targets[0])  # as many records as in the release
    width = len(views.targets[0]) ** (-1 / (4 + 4))
    expected = Domias(dimensions=4, bandwidth=width).score(small[1])
    np.testing.assert_array_equal(Domias(dimensions=4).score(small[1]), expected)
    assert (expected != 0).all()
