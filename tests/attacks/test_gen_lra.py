"""Gen-LRA: against kernel densities with and without each record, and what it must find."""

from dataclasses import replace

import numpy as np
from scipy.stats import multivariate_normal

from privbench.attacks.gen_lra import GenLra
from privbench.attacks.synthetic import principal

from .releases import copies, ignores, views_of_releases

WIDTH, D, K = 0.7, 4, 3


def density(points, data):
    """Return the kernel density at each point, kernel by kernel."""
    kernel = multivariate_normal(np.zeros(D), WIDTH**2 * np.eye(D))
    return np.array([np.mean([kernel.pdf(point - centre) for centre in data]) for point in points])


def test_the_score_is_the_likelihood_ratio_with_and_without_the_record():
    view = views_of_releases(ignores)[0]
    project = principal(view.reference.x, D)
    points, s, r = (
        project(x).astype(float) for x in (view.records, view.synthetic.x, view.reference.x)
    )
    expected = []
    for point in points[:6]:
        near = s[np.argsort(((s - point) ** 2).sum(1))[:K]]
        with_record = density(near, np.vstack([r, point]))
        expected.append(np.log(with_record).sum() - np.log(density(near, r)).sum())
    attack = GenLra(dimensions=D, bandwidth=WIDTH, neighbours=K)
    np.testing.assert_allclose(attack.score(view)[:6], expected, rtol=1e-3, atol=1e-6)


def test_a_record_far_from_all_others_whose_copy_is_released_has_the_largest_score():
    view = views_of_releases(copies)[0]
    x = view.records.copy()
    x[0] *= -20.0  # far from all reference records, whose density underflows there
    synthetic = replace(view.synthetic, x=np.vstack([view.synthetic.x[:-1], x[:1]]))
    scores = GenLra(dimensions=24).score(replace(view, records=x, synthetic=synthetic))
    assert np.isfinite(scores).all()
    assert scores.argmax() == 0
    assert scores[0] > 100
