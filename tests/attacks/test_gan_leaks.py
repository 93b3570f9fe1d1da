"""GAN-Leaks: against a loop over releases, and the mean over OUT shadows."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from privbench.attacks.gan_leaks import GanLeaks, out_mean

from .releases import (
    MODELS,
    N,
    near,
    views_of_releases,
)


@pytest.mark.parametrize("calibrated", [True, False])
def test_slow_reference(calibrated):
    views = views_of_releases(near)
    closeness = np.array([-cdist(views.records, data.x).min(axis=1) for data in views.targets])
    expected = closeness.copy()
    for target in range(MODELS if calibrated else 0):
        out = ~views.shadow_member
        out[target] = False
        for record in range(N):
            expected[target, record] -= closeness[out[:, record], record].mean()
    scores = GanLeaks(calibrated=calibrated).score_all(views)
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_the_out_mean_leaves_out_the_target():
    rng = np.random.default_rng(0)
    values, member = rng.normal(size=(6, 9)), rng.random((6, 9)) < 0.5
    member[:, 0] = True  # a record that is IN every shadow
    means = out_mean(values, member, True)
    for i in range(6):
        others = [m for m in range(6) if m != i]
        every = [values[m, j] for j in range(9) for m in others if not member[m, j]]
        for j in range(9):
            out = [values[m, j] for m in others if not member[m, j]]
            assert means[i, j] == pytest.approx(np.mean(out or every))
    np.testing.assert_allclose(out_mean(values[1:], member[1:], False)[0], means[0])
