"""LOGAN: against the log density ratio that an optimal discriminator finds."""

from dataclasses import replace

import numpy as np

from privbench.attacks.logan import Logan
from privbench.data import Data

from .releases import (
    FEATURES,
    SPEC,
    views_of_releases,
)


def normal(rng, n, mean):
    x = rng.normal(size=(n, FEATURES)).astype(np.float32)
    x[:, 0] += mean
    return Data(x, np.zeros(n, np.int64), SPEC)


def test_the_discriminator_finds_the_density_ratio():
    """Synthetic N(1, 1) and reference N(-1, 1) in one feature: the optimal logit is 2 x."""
    rng = np.random.default_rng(0)
    views = views_of_releases(lambda rng, private: normal(rng, 600, 1.0))
    views = replace(views, targets=views.targets[:2], rngs=views.rngs[:2])
    x = np.zeros((9, FEATURES), np.float32)
    x[:, 0] = np.linspace(-2, 2, 9)
    given = replace(views, records=x, reference=normal(rng, 2400, -1.0))
    scores = Logan(epochs=5).score_all(given)
    assert scores.shape == (2, 9)
    error = scores - 2 * x[:, 0]
    assert np.abs(error).max() < 1
    assert np.abs(error.mean(axis=1)).max() < 0.3  # with one synthetic record for four references
