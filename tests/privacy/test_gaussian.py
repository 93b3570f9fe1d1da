import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from privbench.privacy import gaussian_epsilon


def hockey_stick(epsilon, ratio):
    """Integral of max(0, p - e^epsilon q) for p = N(ratio, 1), q = N(0, 1), by quadrature."""
    start = epsilon / ratio + ratio / 2  # where p = e^epsilon q; p is larger to the right

    def excess(t):
        return norm.pdf(t - ratio) - np.exp(epsilon + norm.logpdf(t))

    value, _ = quad(excess, start, start + 12, epsabs=1e-15, epsrel=1e-10, limit=400)
    return value


@pytest.mark.parametrize("sigma", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("delta", [1e-2, 1e-5, 1e-8])
def test_the_hockey_stick_divergence_at_epsilon_is_delta(sigma, delta):
    sensitivity = np.sqrt(2)
    epsilon = gaussian_epsilon(sigma=sigma, delta=delta, sensitivity=sensitivity)
    assert hockey_stick(epsilon, sensitivity / sigma) == pytest.approx(delta, rel=1e-6)


def test_only_the_ratio_of_sensitivity_and_sigma_matters():
    wide = gaussian_epsilon(sigma=30.0, delta=1e-5, sensitivity=10.0)
    assert wide == pytest.approx(gaussian_epsilon(sigma=3.0, delta=1e-5, sensitivity=1.0))


def test_tighter_than_the_classical_bound():
    """sigma = sqrt(2 log(1.25 / delta)) / epsilon (Dwork, Roth 2014) is enough for epsilon < 1."""
    sigma = np.sqrt(2 * np.log(1.25 / 1e-5)) / 0.9
    assert gaussian_epsilon(sigma=sigma, delta=1e-5, sensitivity=1.0) < 0.9


def test_huge_noise_and_large_delta_need_no_epsilon():
    assert gaussian_epsilon(sigma=1e8, delta=1e-5, sensitivity=1.0) == 0.0
    assert gaussian_epsilon(sigma=1.0, delta=0.9, sensitivity=1.0) == 0.0


def test_tiny_noise_does_not_overflow():
    """For a large ratio r, epsilon is r^2 / 2 + z r with Phi(-z) = delta, to first order."""
    epsilon = gaussian_epsilon(sigma=1e-4, delta=1e-5, sensitivity=1.0)
    assert epsilon == pytest.approx(1e8 / 2 + norm.isf(1e-5) * 1e4, rel=1e-6)


def test_monotone_in_sigma_and_delta():
    by_sigma = [gaussian_epsilon(sigma=s, delta=1e-5, sensitivity=1) for s in (0.1, 0.5, 1, 2, 20)]
    by_delta = [gaussian_epsilon(sigma=1, delta=d, sensitivity=1) for d in (1e-9, 1e-6, 1e-3, 0.1)]
    assert by_sigma == sorted(by_sigma, reverse=True)
    assert by_delta == sorted(by_delta, reverse=True)


@pytest.mark.parametrize(
    "bad", [{"sigma": 0.0}, {"delta": 0.0}, {"delta": 1.0}, {"sensitivity": -1.0}]
)
def test_values_out_of_bounds_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        gaussian_epsilon(**{"sigma": 1.0, "delta": 1e-5, "sensitivity": 1.0, **bad})
