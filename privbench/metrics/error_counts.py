"""Lower bounds on epsilon from the true and false positives of a test with independent trials.

- `clopper_pearson` for an (epsilon, delta) guarantee: Jagielski, Ullman, Oprea 2020 (arXiv
  2006.07709); Nasr et al. 2021 (arXiv 2101.04535).
- `gdp_bound` for a Gaussian mechanism: Nasr et al. 2023 (arXiv 2302.07956).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from privbench.metrics.pairs import Floats
from privbench.metrics.tradeoff import gaussian_epsilon_of


@dataclass(frozen=True)
class ErrorCounts:
    """True and false positives of one test, or of several where they are arrays."""

    true_positives: Any
    members: Any
    false_positives: Any
    nonmembers: Any

    def rates_high(self, tail: float) -> tuple[Floats, Floats]:
        """Return the upper ends of the one-sided intervals of FNR and FPR, each wrong with ``tail``."""
        return (
            _upper_rate(self.members - self.true_positives, self.members, tail),
            _upper_rate(self.false_positives, self.nonmembers, tail),
        )

    def epsilon_bound(self, delta: float, tail: float) -> Floats:
        """Return log((TPR_low - delta) / FPR_high), or -inf where TPR_low <= delta."""
        fnr_high, fpr_high = self.rates_high(tail)
        numerator = 1 - fnr_high - delta
        positive = numerator > 0
        return np.where(positive, np.log(np.where(positive, numerator, 1.0) / fpr_high), -np.inf)

    def mu_bound(self, tail: float) -> Floats:
        """Return Phi^-1(1 - FPR_high) - Phi^-1(FNR_high), or -inf where a rate may be 1."""
        from scipy.special import ndtri

        fnr_high, fpr_high = self.rates_high(tail)
        mu: Floats = -ndtri(fpr_high) - ndtri(fnr_high)
        return mu


def clopper_pearson(
    *,
    true_positives: Floats | int,
    members: int,
    false_positives: Floats | int,
    nonmembers: int,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> Floats:
    """Return the lower bound on epsilon implied by true and false positives.

    The rates are replaced by the ends of one-sided Clopper-Pearson intervals, each with half of the
    error probability 1 - ``confidence``, so that both hold together:

        epsilon >= log((TPR_low - delta) / FPR_high),  log((TNR_low - delta) / FNR_high)

    This assumes that every trial (one record, and whether one model was trained on it) is independent
    of the others. Records of one model are not quite independent, since they share its training: use
    canaries, and many models rather than many records of one.

    Args:
        true_positives: members that were called members; an array for several tests, each of which
            gets a bound of its own.
        members: number of members.
        false_positives: non-members that were called members.
        nonmembers: number of non-members.
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The bound, at least 0, in the shape of the counts.
    """
    tail = (1 - confidence) / 2
    true, false = np.asarray(true_positives), np.asarray(false_positives)
    from_positives = ErrorCounts(true, members, false, nonmembers)
    from_negatives = ErrorCounts(nonmembers - false, nonmembers, members - true, members)
    bound: Floats = np.maximum(
        np.maximum(
            from_positives.epsilon_bound(delta, tail), from_negatives.epsilon_bound(delta, tail)
        ),
        0.0,
    )
    return bound


def gdp_bound(
    *,
    true_positives: int,
    members: int,
    false_positives: int,
    nonmembers: int,
    delta: float,
    confidence: float = 0.95,
) -> float:
    """Return the lower bound on the epsilon of a Gaussian mechanism implied by its errors.

    The rates are replaced by the ends of one-sided Clopper-Pearson intervals, as in `clopper_pearson`:

        mu >= Phi^-1(1 - FPR_high) - Phi^-1(FNR_high)

    It is the same for the two directions, because a Gaussian trade-off curve is symmetric. Beside the
    independence of trials, it assumes that the curve is Gaussian.

    Args:
        true_positives: members that were called members.
        members: number of members.
        false_positives: non-members that were called members.
        nonmembers: number of non-members.
        delta: the delta at which epsilon is stated, in (0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The epsilon of the largest such mu at ``delta``; 0 if mu is not positive.

    Source: Nasr et al. 2023, "Tight Auditing of Differentially Private Machine Learning", arXiv
        2302.07956, section 5; Dong, Roth, Su 2022, equation 6.
    """
    counts = ErrorCounts(true_positives, members, false_positives, nonmembers)
    return gaussian_epsilon_of(max(float(counts.mu_bound((1 - confidence) / 2)), 0.0), delta)


def _upper_rate(hits: Any, trials: Any, tail: float) -> Floats:
    """Return the upper end of the one-sided Clopper-Pearson interval of ``hits`` / ``trials``."""
    from scipy.special import betaincinv

    all_hit = hits >= trials
    hits_or_zero = np.where(all_hit, 0, hits)
    return np.where(all_hit, 1.0, betaincinv(hits_or_zero + 1.0, trials - hits_or_zero, 1 - tail))
