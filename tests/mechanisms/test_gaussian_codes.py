"""The Gaussian mechanism on codes, and the epsilon of two codes at the largest distance."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest, norm

from privbench.data import DataSpec
from privbench.mechanisms.gaussian_codes import GaussianCodes
from privbench.privacy import GuaranteeContext


def context(fitted_on="reference"):
    return GuaranteeContext(DataSpec("tabular", (4,), 2), 100, None, fitted_on)


def test_codes_are_clipped_and_get_gaussian_noise():
    """Inside the ball, outside it, and at its centre."""
    rows = np.array([[1.0, 0.0], [30.0, 40.0], [0.0, 0.0]], dtype=np.float32)
    codes = np.repeat(rows, 4000, axis=0)
    noisy = GaussianCodes(sigma=0.5, radius=2.0).apply(codes, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    expected = np.repeat([[1.0, 0.0], [1.2, 1.6], [0.0, 0.0]], 4000, axis=0)
    assert kstest((noisy - expected).ravel(), norm(scale=0.5).cdf).pvalue > 1e-3


def test_epsilon_is_exact_for_the_two_codes_at_the_largest_distance():
    """P(A) - e^epsilon Q(A) of N(R, s) and N(-R, s) is delta at the set where the ratio is e^epsilon."""
    sigma, radius, delta = 3.0, 2.0, 1e-4
    stated = GaussianCodes(sigma=sigma, radius=radius, delta=delta).guarantee(context())
    where = stated.epsilon * sigma**2 / (2 * radius)  # log p/q = 2 R x / s^2 = epsilon
    one, other = norm(radius, sigma).sf(where), norm(-radius, sigma).sf(where)
    assert one - np.exp(stated.epsilon) * other == pytest.approx(delta, rel=1e-6)
    assert (stated.kind, stated.adjacency, stated.covers) == ("local-dp", "local", "features")
    assert stated.delta == delta
    assert stated.gaussian
    for epsilon, exact in stated.profile:
        where = epsilon * sigma**2 / (2 * radius)
        one, other = norm(radius, sigma).sf(where), norm(-radius, sigma).sf(where)
        assert one - np.exp(epsilon) * other == pytest.approx(exact, rel=1e-4, abs=1e-12)
    assert "zCDP rho=0.8889" in stated.accountant  # (2 R)^2 / (2 s^2)


def test_conditions():
    conditions = GaussianCodes(sigma=1.0, radius=1.0).guarantee(context()).conditions
    for word in ("labels", "released once", "floating-point"):
        assert any(word in condition.text for condition in conditions)


@pytest.mark.parametrize("params", [{}, {"sigma": 1.0}, {"sigma": 0.0, "radius": 1.0}])
def test_bad_parameters(params):
    with pytest.raises(ValidationError):
        GaussianCodes(**params)
