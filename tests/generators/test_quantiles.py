"""Normal scores of features whose distribution is known."""

import numpy as np
from scipy.stats import kstest, norm

from privbench.generators.quantiles import Quantiles


def skewed(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = np.stack([rng.exponential(size=n), rng.integers(0, 3, n), rng.normal(size=n)], 1)
    return x.astype(np.float32)


def test_scores_and_features_map_one_to_one_between_the_outermost_quantiles():
    x = skewed()
    fitted = Quantiles.fit(x)
    scores = fitted.to_normal(x)
    assert kstest(scores[:, 0], "norm").pvalue > 0.05
    inside = (x[:, 0] > fitted.values[0, 0]) & (x[:, 0] < fitted.values[0, -1])
    back = fitted.from_normal(scores)
    np.testing.assert_allclose(back[inside, 0], x[inside, 0], atol=1e-4)
    np.testing.assert_array_equal(back[:, 1], x[:, 1])  # ties too
    np.testing.assert_array_equal(
        fitted.from_normal(np.full((1, 3), 9, np.float32))[0], fitted.values[:, -1]
    )


def test_scores_do_not_change_under_increasing_maps():
    x = skewed()
    np.testing.assert_allclose(
        Quantiles.fit(x).to_normal(x), Quantiles.fit(2 * x + 1).to_normal(2 * x + 1), atol=1e-4
    )


def test_a_constant_feature_keeps_its_value():
    x = np.full((30, 1), 7.0, np.float32)
    fitted = Quantiles.fit(x)
    assert np.isfinite(fitted.to_normal(x)).all()
    np.testing.assert_array_equal(fitted.from_normal(fitted.to_normal(x)), x)


def test_a_tied_value_gets_the_middle_score_of_its_probabilities():
    """Zeros have the probabilities (0, 1/4), and ones (1/4, 1): their middles are 1/8 and 5/8."""
    x = np.repeat([0.0, 1.0], [100, 300]).astype(np.float32)[:, None]
    scores = Quantiles.fit(x).to_normal(x)
    np.testing.assert_allclose(scores[[0, -1], 0], norm.ppf([1 / 8, 5 / 8]), atol=0.02)
