"""Trade-off curves: what a guarantee says about every test of membership.

A trade-off curve f gives the smallest type II error (false negative rate) that any test between two
neighbouring datasets can have at a type I error (false positive rate) alpha: Dong, Roth, Su 2022,
"Gaussian Differential Privacy", arXiv 1905.02383. An (epsilon, delta) guarantee is a curve of two
straight lines; the Gaussian mechanism has the curve of a test between N(0, 1) and N(mu, 1), where mu is
the sensitivity divided by the standard deviation of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from privbench.metrics.pairs import Floats

MAX_EXPONENT = 700.0
"""An epsilon above it is treated as this one, whose e^epsilon is still a float."""


@dataclass(frozen=True)
class TradeOff:
    """A symmetric trade-off curve, the largest of the curves that are given.

    Attributes:
        points: pairs (epsilon, delta), all of which hold together.
        mu: the parameter of a Gaussian curve; None for no such curve.

    Raises:
        ValueError: if there is no curve, or a number is out of its range.

    >>> TradeOff.of_profile([(1.0, 0.0)]).type_two(0.1).round(4)
    np.float64(0.7282)
    """

    points: tuple[tuple[float, float], ...] = ()
    mu: float | None = None

    def __post_init__(self) -> None:
        if not self.points and self.mu is None:
            raise ValueError("a trade-off curve needs a pair (epsilon, delta) or a mu")
        for epsilon, delta in self.points:
            if not (epsilon >= 0 and 0 <= delta <= 1):
                raise ValueError(
                    f"(epsilon, delta) = ({epsilon}, {delta}): epsilon must be >= 0, delta in [0, 1]"
                )
        if self.mu is not None and not self.mu >= 0:
            raise ValueError(f"mu={self.mu}: must be >= 0")

    @classmethod
    def of_profile(cls, points: Iterable[tuple[float, float]]) -> TradeOff:
        """Return the curve of pairs (epsilon, delta) that hold together.

        f(a) is the maximum over the pairs of max(0, 1 - delta - e^epsilon a,
        e^-epsilon (1 - delta - a)): Dong, Roth, Su 2022, proposition 2.5.
        """
        return cls(points=tuple((float(epsilon), float(delta)) for epsilon, delta in points))

    @classmethod
    def gaussian(cls, mu: float) -> TradeOff:
        """Return the curve Phi(Phi^-1(1 - a) - mu): Dong, Roth, Su 2022, equation 6."""
        return cls(mu=float(mu))

    def type_two(self, alpha: Any) -> Floats:
        """Return the smallest type II error at type I errors ``alpha`` in [0, 1], in their shape."""
        return self.false_positive_rate(1.0 - np.asarray(alpha, dtype=np.float64))

    def false_positive_rate(self, true_positive_rate: Any) -> Floats:
        """Return the smallest type I error of a test with this true positive rate, in its shape.

        This is ``type_two(1 - true_positive_rate)``, because the curve is symmetric, without the
        rounding of the subtraction.
        """
        from scipy.special import ndtr, ndtri

        tpr = np.asarray(true_positive_rate, dtype=np.float64)
        fpr = np.zeros_like(tpr)
        if self.points:
            slopes, zeros, starts = self._lines
            line = np.searchsorted(starts, tpr, side="right") - 1
            # At 1 the steepest line would be rounded to 0.
            at_one = 1 - min(delta for _, delta in self.points)
            fpr = np.where(tpr < 1, slopes[line] * (tpr - zeros[line]), at_one)
        if self.mu is not None:
            fpr = np.maximum(fpr, ndtr(ndtri(tpr) - self.mu))
        return fpr

    @cached_property
    def _lines(self) -> tuple[Floats, Floats, Floats]:
        """Return slopes, zeros and starts of the lines that are the largest somewhere, flat to steep.

        As functions of the true positive rate t, the lines of a pair are e^-epsilon (t - delta) and
        e^epsilon (t - 1 + (1 - delta) e^-epsilon).
        """
        lines = [(0.0, 0.0)]
        for epsilon, delta in self.points:
            slope = math.exp(min(epsilon, MAX_EXPONENT))
            lines += [(1 / slope, delta), (slope, 1 - (1 - delta) / slope)]
        lines.sort(key=lambda line: (line[0], -line[1]))
        kept, starts = [lines[0]], [-math.inf]
        for slope, zero in lines[1:]:
            while kept:
                last_slope, last_zero = kept[-1]
                # Lines of one slope are sorted by their zeros: the last one is the largest.
                start = -math.inf
                if slope > last_slope:
                    start = zero + last_slope * (zero - last_zero) / (slope - last_slope)
                if start > starts[-1]:
                    break
                kept.pop()
                starts.pop()
            kept.append((slope, zero))
            starts.append(start if len(kept) > 1 else -math.inf)
        slopes, zeros = np.array(kept).T
        return slopes, zeros, np.array(starts)


def gaussian_epsilon_of(mu: float, delta: float) -> float:
    """Return the smallest epsilon >= 0 for which a Gaussian curve implies (epsilon, delta)-DP.

    Args:
        mu: the parameter of the curve: sensitivity / standard deviation of the noise; >= 0.
        delta: in (0, 1).

    Source:
        Balle, Wang 2018, arXiv 1805.06530, theorem 8, in logarithms: large epsilons do not overflow.

    Raises:
        ValueError: if an argument is out of these bounds.

    >>> round(gaussian_epsilon_of(1.0, 1e-5), 4)
    4.3772
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if not (mu >= 0 and math.isfinite(mu) and 0 < delta < 1):
        raise ValueError(f"mu={mu}: must be finite and >= 0; delta={delta}: in (0, 1)")
    if mu == 0 or gaussian_log_delta(0.0, mu) <= math.log(delta):
        return 0.0
    # delta(epsilon) is below its first term, which is delta where its argument is ndtri(delta).
    upper = max(mu**2 / 2 - mu * float(ndtri(delta)), 0.0)
    return float(brentq(lambda e: gaussian_log_delta(e, mu) - math.log(delta), 0.0, upper))


def gaussian_mu(epsilon: float, delta: float) -> float:
    """Return the mu of the Gaussian curve whose epsilon at ``delta`` is ``epsilon``.

    Args:
        epsilon: >= 0.
        delta: in (0, 1).

    Raises:
        ValueError: if an argument is out of these bounds.

    >>> round(gaussian_mu(4.3772, 1e-5), 4)
    1.0
    """
    from scipy.optimize import brentq

    if not (epsilon >= 0 and math.isfinite(epsilon) and 0 < delta < 1):
        raise ValueError(f"epsilon={epsilon}: must be finite and >= 0; delta={delta}: in (0, 1)")
    low, high = 0.0, 1.0
    while gaussian_log_delta(epsilon, high) < math.log(delta):
        low, high = high, 2 * high
    low = low or high
    while gaussian_log_delta(epsilon, low) >= math.log(delta):
        low /= 2
    return float(brentq(lambda mu: gaussian_log_delta(epsilon, mu) - math.log(delta), low, high))


def gaussian_log_delta(epsilon: float, mu: float) -> float:
    """Return log(Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu)): theorem 8."""
    from scipy.special import log_ndtr

    first = float(log_ndtr(mu / 2 - epsilon / mu))
    second = epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))
    if second >= first:  # equal but for rounding: the difference is far below any delta
        return -math.inf
    return first + math.log(-math.expm1(second - first))
