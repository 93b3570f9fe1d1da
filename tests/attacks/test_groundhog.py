"""Groundhog: against a loop over records with whitened features, and its features."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from privbench.attacks.groundhog import Groundhog

from .releases import (
    FEATURES,
    MODELS,
    near,
    views_of_releases,
)


def slow_groundhog(views, target, dimensions, ridge, features_of):
    """Compute the discriminant of each record by matrices, with the naive features."""
    features = np.array([features_of(data) for data in views.shadows])
    others = np.arange(MODELS) != target
    shadows, member = features[others], views.shadow_member[others]
    scaler = PCA(dimensions, svd_solver="full")
    centre, sd = shadows.mean(0), shadows.std(0)
    z = scaler.fit_transform((shadows - centre) / sd)
    f = scaler.transform((features[[target]] - centre) / sd)[0]
    precision = np.linalg.inv(np.diag(z.var(0) * (1 + ridge)))
    scores = []
    for is_in in member.T:
        mean_in, mean_out = z[is_in].mean(0), z[~is_in].mean(0)
        scores.append((f - (mean_in + mean_out) / 2) @ precision @ (mean_in - mean_out))
    return scores


def naive(data):
    return np.concatenate([data.x.mean(0), np.median(data.x, 0), data.x.var(0)])


def correlations(data):
    return np.corrcoef(data.x.T)[np.triu_indices(FEATURES, 1)]


@pytest.mark.parametrize("ridge", [0.1, 2.0])
@pytest.mark.parametrize(("features", "of"), [("naive", naive), ("correlations", correlations)])
def test_slow_reference(features, of, ridge):
    views = views_of_releases(near)
    scores = Groundhog(features=features, dimensions=4, ridge=ridge).score_all(views)
    for target in (0, 7):
        expected = slow_groundhog(views, target, 4, ridge, of)
        np.testing.assert_allclose(scores[target], expected, rtol=1e-3, atol=1e-3)


def test_a_record_without_in_or_out_shadows_has_no_evidence():
    views = views_of_releases(near)
    member = views.shadow_member.copy()
    member[:, 0], member[:, 1] = True, False
    scores = Groundhog().score_all(replace(views, shadow_member=member))
    assert (scores[:, :2] == 0).all()
    assert (scores[:, 2:] != 0).all()
