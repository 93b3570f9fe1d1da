"""Shadow density: LiRA on log-distances."""

from dataclasses import replace

import numpy as np

from privbench.attacks.lira import log_ratios
from privbench.attacks.shadow_density import ShadowDensity

from .releases import (
    MODELS,
    N,
    copies,
    views_of_releases,
)


def test_it_is_lira_on_log_distances():
    views = views_of_releases(copies)
    closeness = np.empty((MODELS, N))
    for i, data in enumerate(views.targets):
        for j in range(N):
            same = data.x[data.y == views.labels[j]]
            distance = np.sqrt(((same - views.records[j]) ** 2).sum(1)).min()
            closeness[i, j] = -np.log(max(distance, 1e-6))
    expected = log_ratios(closeness, closeness, views.shadow_member, True, "shrunk")
    np.testing.assert_allclose(ShadowDensity().score_all(views), expected, atol=1e-3, rtol=1e-3)


def test_a_label_that_the_release_lacks_is_compared_with_all_records():
    views = views_of_releases(lambda rng, private: replace(private, y=np.zeros_like(private.y)))
    scores = ShadowDensity().score_all(views)
    lacking = views.labels != 0
    expected = ShadowDensity(labelled=False).score_all(views)[:, lacking]
    assert np.isfinite(scores).all()
    assert np.corrcoef(scores[:, lacking].ravel(), expected.ravel())[0, 1] > 0.9
