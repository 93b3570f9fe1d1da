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

Coverage of 95% intervals of attacks whose models are each other's shadows: log-likelihood ratios of 200
records, which are alike, or of which effects differ, as do levels and leaks of models
(tests/metrics/test_coverage.py, 2,000 populations each):

    models   records      AUC    of the AUC   of the TPR at 1%   of the TPR at .1%
    16       alike        .50    .960         .964               .969
    16       alike        .60    .958         .951               .949
    16       alike        .80    .948         .955               .876
    16       different    .50    .963         .953               .963
    16       different    .60    .963         .948               .916
    16       different    .80    .950         .951               .919
    64       alike        .50    .952         .952               .973
    64       alike        .60    .954         .945               .933
    64       alike        .80    .954         .953               .926
    64       different    .50    .952         .950               .983
    64       different    .60    .953         .950               .933
    64       different    .80    .946         .943               .956

At .1% one of 1,600 non-members may pass with 16 models, and 6 of 6,400 with 64. Where independent models
are attacked without shadows and the pool is given, these intervals are too wide (they covered all of 500
populations), and those of `bootstrap` are not.

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
    return variance_of_sums(psi.sum(axis=1), psi.sum(axis=0), float((psi**2).sum()))


def variance_of_sums(over_records: Floats, over_models: Floats, squares: float) -> float:
    """Return what `clustered_variance` returns, given sums of the influences.

    Args:
        over_records: (models,), the sum of the influences of each model's pairs.
        over_models: (records,), that of each record's pairs.
        squares: the sum of all squared influences.
    """
    of_models, of_records = _one_way(over_records), _one_way(over_models)
    if not np.isfinite(of_models + of_records):
        return float("inf")
    return float(max(of_models + of_records - squares, min(of_models, of_records)))


def one_way_variance(psi: Floats) -> float:
    """Return V_models, the variance over models given the records; infinite with a single model."""
    return _one_way(psi.sum(axis=1))


def _one_way(sums: Floats) -> float:
    n = len(sums)
    return n / (n - 1) * float((sums**2).sum()) if n > 1 else float("inf")


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

    At a rate of 0 or 1 it is that of Clopper and Pearson, widened by the error that the influences give.

    Args:
        estimate: the rate.
        psi: (models, records), the influence of each pair.
        n_pairs: number of trials behind a rate of 0 or 1.
    """
    error = np.sqrt(clustered_variance(psi))
    if not np.isfinite(error):
        return 0.0, 1.0
    n = min(psi.shape)
    if 0 < estimate < 1:
        return arcsine_t(estimate, float(error), n, n_pairs)
    # No pair or every one passes, and beside this it is not known where the threshold is.
    low, high = clopper_pearson_interval(estimate, n, n_pairs)
    reach = t_quantile(n) * float(error)
    return max(low - reach, 0.0), min(high + reach, 1.0)


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
