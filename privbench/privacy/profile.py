"""Privacy profiles: several pairs (epsilon, delta) that hold together, which is more than one of them.

A mechanism is (epsilon, delta(epsilon))-DP for every epsilon >= 0, and this curve says as much as the
trade-off curve of the best attack. Sources: Balle, Barthe, Gaboardi 2018, "Privacy Amplification by
Subsampling", arXiv 1807.01647; Dong, Roth, Su 2019, "Gaussian Differential Privacy", arXiv 1905.02383,
proposition 2.12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

Profile = tuple[tuple[float, float], ...]
"""Pairs (epsilon, delta)."""

POINTS = 40
MIDDLE_DELTA = 0.5
LARGEST_DELTA = 0.999
COMMON_DELTA = 1e-5
"""The delta at which the guarantees and audits of a table can be compared."""
SMALLEST_DELTA = 1e-10
"""Of profiles. Composition by floating-point Fourier transforms is not exact enough for less."""


def profile_of(
    epsilon_of: Callable[[float], float], delta_of: Callable[[float], float], delta: float
) -> Profile:
    """Return the profile on a grid of epsilons, at ``delta`` and at ``COMMON_DELTA``.

    Epsilons are equally spaced on either side of that of ``MIDDLE_DELTA``, half as many where deltas are
    larger. Those say how often a single guess can be right, if epsilon is large.

    Args:
        epsilon_of: The smallest epsilon >= 0 for a delta, or an upper bound on it.
        delta_of: The smallest delta for an epsilon, or an upper bound on it.
        delta: The delta of a guarantee.

    Returns:
        Pairs in order of epsilon, whose deltas are from ``LARGEST_DELTA`` to ``SMALLEST_DELTA`` where
        the curve has these.
    """
    low, middle, high = map(epsilon_of, (LARGEST_DELTA, MIDDLE_DELTA, SMALLEST_DELTA))
    epsilons = {middle + (high - middle) * i / (POINTS - 1) for i in range(POINTS)}
    epsilons |= {low + (middle - low) * i / (POINTS // 2) for i in range(POINTS // 2)}
    curve = {(epsilon, min(1.0, delta_of(epsilon))) for epsilon in epsilons}
    return tuple(sorted(curve | {(epsilon_of(d), d) for d in (delta, COMMON_DELTA)}))


def checked_profile(profile: object) -> Profile:
    """Return a profile as pairs of floats. Raises ValueError if it is none."""
    if isinstance(profile, tuple | list) and all(map(_is_pair, profile)):
        return tuple((float(epsilon), float(delta)) for epsilon, delta in profile)
    raise ValueError(
        f"guarantee: profile {profile!r}"
        " (allowed: pairs of a finite epsilon >= 0 and a delta from 0 to 1)"
    )


def _is_pair(pair: object) -> bool:
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        return False
    if not all(isinstance(number, Real) for number in pair):
        return False
    epsilon, delta = map(float, pair)
    return 0 <= epsilon < math.inf and 0 <= delta <= 1
