"""The density ratio from nearest neighbours: distances by hand, and a ratio that is known."""

from dataclasses import replace

import numpy as np

from privbench.attacks.density_ratio import DensityRatio
from privbench.data import Data, DataSpec

from .releases import ignores, views_of_releases


def data(x):
    spec = DataSpec("tabular", (len(x[0]),), 1)
    return Data(np.asarray(x, np.float32), np.zeros(len(x), np.int64), spec)


def view_of(records, synthetic, reference):
    return replace(
        views_of_releases(ignores)[0],
        records=np.asarray(records, np.float32),
        synthetic=data(synthetic),
        reference=data(reference),
    )


def test_the_score_is_the_log_of_the_ratio_of_the_distances():
    view = view_of([[0.0], [10.0]], [[1.0], [12.0], [13.0]], [[4.0], [5.0]])
    np.testing.assert_allclose(DensityRatio().score(view), np.log([4 / 1, 5 / 2]), rtol=1e-5)
    second = DensityRatio(neighbours=2).score(view)
    np.testing.assert_allclose(second, np.log([5 / 12, 6 / 3]), rtol=1e-5)


def test_the_mean_is_the_log_ratio_of_two_uniform_densities():
    """Synthetic records are on [0, 1], reference records on [0, 2]: half as dense."""
    rng = np.random.default_rng(0)
    view = view_of(
        rng.uniform(0.1, 0.9, (4000, 1)), rng.random((8000, 1)), 2 * rng.random((8000, 1))
    )
    np.testing.assert_allclose(DensityRatio(neighbours=5).score(view).mean(), np.log(2), atol=0.03)


def test_a_copy_has_a_finite_score():
    view = view_of([[0.0]], [[0.0], [3.0]], [[2.0]])
    np.testing.assert_allclose(DensityRatio().score(view), np.log(2 / 1e-6), rtol=1e-6)
