"""The exact epsilon of the Gaussian mechanism.

Balle, Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy", arXiv 1805.06530,
theorem 8: noise of standard deviation sigma on a query of L2 sensitivity D is (epsilon, delta)-DP iff

    Phi(D / (2 sigma) - epsilon sigma / D) - e^epsilon Phi(-D / (2 sigma) - epsilon sigma / D) <= delta
"""

from __future__ import annotations

import math

from privbench.privacy.profile import Profile, profile_of


def gaussian_epsilon(*, sigma: float, delta: float, sensitivity: float) -> float:
    """Return the smallest epsilon >= 0 for which the Gaussian mechanism is (epsilon, delta)-DP.

    Theorem 8 is evaluated in logarithms, so that an epsilon of thousands does not overflow.

    Args:
        sigma: Standard deviation of the noise, > 0, in the unit of the query.
        delta: In (0, 1).
        sensitivity: L2 sensitivity of the query, > 0.

    Raises:
        ValueError: If an argument is out of these bounds.

    >>> round(gaussian_epsilon(sigma=1.0, delta=1e-5, sensitivity=1.0), 3)
    4.377
    """
    from privbench.metrics.tradeoff import gaussian_epsilon_of

    if not (sigma > 0 and sensitivity > 0 and 0 < delta < 1):
        raise ValueError(
            f"sigma={sigma}, sensitivity={sensitivity}: must be > 0; delta={delta}: in (0, 1)"
        )
    return gaussian_epsilon_of(sensitivity / sigma, delta)


def gaussian_profile(*, sigma: float, delta: float, sensitivity: float) -> Profile:
    """Return the profile of the Gaussian mechanism, with a point at ``delta``."""
    from privbench.metrics.tradeoff import gaussian_log_delta

    def epsilon_of(some_delta: float) -> float:
        return gaussian_epsilon(sigma=sigma, delta=some_delta, sensitivity=sensitivity)

    def delta_of(epsilon: float) -> float:
        return math.exp(gaussian_log_delta(epsilon, sensitivity / sigma))

    return profile_of(epsilon_of, delta_of, delta)
