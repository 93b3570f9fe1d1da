"""Views of releases, distances to the nearest records, and principal components."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from privbench.attacks.synthetic import nearest, principal

from .releases import (
    MODELS,
    N,
    copies,
    views_of_releases,
)


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_a_view_has_the_release_of_the_target_and_of_the_other_shadows(leave_one_out):
    views = replace(views_of_releases(copies), leave_one_out=leave_one_out)
    view = views[2]
    others = [i for i in range(MODELS) if i != 2 or not leave_one_out]
    assert view.synthetic is views.targets[2]
    assert view.rng is views.rngs[2]
    assert all(a is views.shadows[i] for a, i in zip(view.shadows, others, strict=True))
    np.testing.assert_array_equal(view.shadow_member, views.shadow_member[others])


def test_a_part_of_views_has_some_targets_and_some_shadows():
    views = views_of_releases(copies)
    part = views.part(np.array([3, 1]), np.array([0, 2]))
    for target, view in zip((3, 1), part, strict=True):
        assert view.synthetic is views.targets[target]
        assert view.rng is views.rngs[target]
        assert view.shadows == [views.shadows[0], views.shadows[2]]
        np.testing.assert_array_equal(view.shadow_member, views.shadow_member[[0, 2]])


def test_a_statistic_is_computed_once_for_each_release():
    views = views_of_releases(copies)
    few = replace(views, targets=views.targets[:3])
    calls = []

    def statistic(data):
        calls.append(data)
        return data.x.sum() * np.arange(N)

    targets, shadows = few.of_targets_and_shadows(statistic)
    assert len(calls) == MODELS
    np.testing.assert_array_equal(targets, shadows[:3])
    np.testing.assert_array_equal(shadows, [d.x.sum() * np.arange(N) for d in views.shadows])


@pytest.mark.parametrize("k", [1, 3, 9])
def test_nearest_distances(k):
    rng = np.random.default_rng(0)
    x, others = (rng.normal(size=(n, 2, 3)).astype(np.float32) for n in (50, 7))
    expected = np.sort(cdist(x.reshape(50, 6), others.reshape(7, 6)), axis=1)
    distances = nearest(x, others, k, at_once=16)
    assert distances.shape == (50, k)
    np.testing.assert_allclose(distances[:, :7], expected[:, :k], rtol=1e-5)
    if k > 7:
        np.testing.assert_array_equal(distances[:, 7], distances[:, 6])
    np.testing.assert_array_equal(nearest(x, x)[:, 0], 0)


def test_principal_components_are_whitened():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))).astype(np.float32)
    ours = principal(x, 3)(x)
    theirs = PCA(3, whiten=True, svd_solver="full").fit_transform(x) * np.sqrt(200 / 199)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)
    assert principal(np.ones((4, 5), np.float32), 3)(x).shape == (200, 1)
