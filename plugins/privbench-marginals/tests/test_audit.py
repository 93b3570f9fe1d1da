"""The worst-case audit: mechanisms with a known mu, and MST and AIM."""

import numpy as np
import pytest
from privbench_marginals import Aim, Mst
from privbench_marginals.audit import audit, best_threshold, log_ratio, mu_of_errors, neighbours
from scipy.stats import norm


@pytest.mark.parametrize("mu", [0.0, 0.45, 2.0])
def test_the_bound_is_below_a_known_mu_and_near_it(mu):
    rng = np.random.default_rng(0)
    without, more = rng.normal(0, 1, 40_000), rng.normal(mu, 1, 40_000)
    threshold = best_threshold(without[:20_000], more[:20_000])
    errors = (without[20_000:] >= threshold).sum(), (more[20_000:] < threshold).sum()
    estimate, lower = mu_of_errors(*errors, 20_000)
    assert estimate == pytest.approx(mu, abs=0.05)
    assert lower < mu or mu == 0 == lower
    assert mu - lower < 0.1


def test_the_bound_with_few_runs_is_that_of_clopper_and_pearson():
    _, lower = mu_of_errors(0, 0, 10)
    assert lower == pytest.approx(-2 * norm.ppf(1 - 0.025 ** (1 / 10)))


def test_log_ratios_are_those_of_two_gaussians_mu_apart():
    """They have the means -mu^2/2 and mu^2/2, and the variance mu^2."""
    mst, rng = Mst(epsilon=1.0, delta=0.01, degree=1), np.random.default_rng(0)
    mu = mst.budget(3).mu
    for sign, table in zip((-1, 1), neighbours(), strict=True):
        ratios = [log_ratio(mst.measure(table, rng)) for _ in range(4000)]
        assert np.mean(ratios) == pytest.approx(sign * mu**2 / 2, abs=0.025)
        assert np.std(ratios) == pytest.approx(mu, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [Mst, Aim])
def test_the_worst_case_is_tight(cls):
    found = audit(cls(epsilon=1.0, delta=0.01, degree=1), 50_000, np.random.default_rng(0))
    assert found.implied == pytest.approx(0.45, abs=0.006)
    assert 0.40 < found.estimate < 0.50
    assert found.lower < found.implied
    assert found.lower > 0.37


def test_too_little_noise_is_found():
    """A mechanism that spends four times what it says has twice the mu."""

    class Wrong(Mst):
        name = "wrong"

        def measure(self, table, rng):
            return Mst(epsilon=4.0, delta=0.01, degree=1).measure(table, rng)

    found = audit(Wrong(epsilon=1.0, delta=0.01, degree=1), 3000, np.random.default_rng(0))
    assert found.lower > found.implied
