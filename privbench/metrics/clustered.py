"""Intervals of means over (model, record) pairs, of which both models and records are samples.

Pairs that share a model or a record are dependent. With psi the influence of each pair on an estimate,
the variance clustered both ways is (Cameron, Gelbach, Miller 2011, equation 2.11, with their correction
for few clusters)

    V = V_models + V_records - V_pairs
    V_models  = m / (m - 1) * sum over models of (sum over records of psi)^2
    V_records = n / (n - 1) * sum over records of (sum over models of psi)^2
    V_pairs   = sum over pairs of psi^2

V can come out smaller than both of V_models and V_records, even negative. It is raised to the smaller of
them. (MacKinnon, Nielsen, Webb 2024, arXiv 2406.08880, discuss raising it to the larger. But where each
model is attacked with the others as shadows, the pairs of a model are negatively correlated, and V is
rightly below V_records.) Quantiles are those of Student's t with min(m, n) - 1 degrees of freedom.

The models of a population share one pool, so an interval is about models that are trained on halves of
this pool, and about all records that the test records were drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from privbench.metrics.interval import (
    Interval,
    arcsine_t,
    clopper_pearson_interval,
    logit_t,
    t_quantile,
)
from privbench.metrics.pairs import Floats

Over: TypeAlias = Literal["models and records", "models", "records"]
"""What an interval takes to be samples; the rest is given."""


def clustered_variance(psi: Floats) -> float:
    """Return the variance of an estimate, given the influence ``psi`` (models, records) of each pair.

    It is infinite with a single model or a single record.

    >>> clustered_variance(np.zeros((3, 4)))
    0.0
    """
    m, n = psi.shape
    if min(m, n) < 2:
        return float("inf")
    of_models = m / (m - 1) * float((psi.sum(axis=1) ** 2).sum())
    of_records = n / (n - 1) * float((psi.sum(axis=0) ** 2).sum())
    both = of_models + of_records - float((psi**2).sum())
    return float(max(both, min(of_models, of_records)))


def one_way_variance(psi: Floats) -> float:
    """Return V_models, the variance over models given the records; infinite with a single model."""
    m = len(psi)
    return m / (m - 1) * float((psi.sum(axis=1) ** 2).sum()) if m > 1 else float("inf")


@dataclass(frozen=True)
class Estimate:
    """An estimate, its standard error, and the number of models, records or both that it rests on."""

    value: float
    error: float
    n: int

    @classmethod
    def of(cls, value: float, psi: Floats, over: Over) -> Estimate:
        """Return an estimate with the error that its influences (models, records) give."""
        m, n = psi.shape
        if over == "models and records":
            return cls(value, clustered_variance(psi) ** 0.5, min(m, n))
        if over == "models":
            return cls(value, one_way_variance(psi) ** 0.5, m)
        return cls(value, one_way_variance(psi.T) ** 0.5, n)

    def exceeds(self, limit: float, confidence: float) -> bool:
        """Return whether it is above ``limit`` at a one-sided confidence (Student's t)."""
        from scipy.special import stdtrit

        if not np.isfinite(self.error):
            return False
        return self.value - float(stdtrit(self.n - 1, confidence)) * self.error > limit


def proportion_interval(estimate: float, psi: Floats) -> Interval:
    """Return the 95% interval of a proportion, on the logit scale.

    Where all pairs agree, it is that of Clopper and Pearson with as many trials as there are records.

    Args:
        estimate: the proportion.
        psi: (models, records), the influence of each pair.
    """
    m, n = psi.shape
    error = np.sqrt(clustered_variance(psi))
    if not np.isfinite(error):
        return 0.0, 1.0
    if error <= 1e-12 or not 0 < estimate < 1:  # no more than rounding
        return clopper_pearson_interval(estimate, m, n)
    return logit_t(estimate, float(error), min(m, n))


def rate_interval(estimate: float, psi: Floats, n_pairs: int) -> Interval:
    """Return the 95% interval of a rate that may be as small as a TPR, on the arcsine scale.

    Args:
        estimate: the rate.
        psi: (models, records), the influence of each pair.
        n_pairs: number of trials behind a rate of 0 or 1.
    """
    error = np.sqrt(clustered_variance(psi))
    if not np.isfinite(error):
        return 0.0, 1.0
    return arcsine_t(estimate, float(error), min(psi.shape), n_pairs)


def difference_interval(difference: float, psi: Floats) -> Interval:
    """Return the 95% interval of a difference of two proportions.

    Args:
        difference: the estimate, in [-1, 1].
        psi: (models, records), the influence of each pair on the difference. For two populations with
            the same test records it is the difference of both influences, which makes the interval
            paired.
    """
    error = np.sqrt(clustered_variance(psi))
    if not np.isfinite(error):
        return -1.0, 1.0
    reach = t_quantile(min(psi.shape)) * float(error)
    return max(difference - reach, -1.0), min(difference + reach, 1.0)
