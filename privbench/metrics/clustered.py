"""Intervals of means over (model, record) pairs, of which both models and records are samples.

Pairs that share a model or a record are dependent. With psi the influence of each pair on an estimate,
the variance clustered both ways is (Cameron, Gelbach, Miller 2011, equation 2.11, with their correction
for few clusters)

    V = V_models + V_records - V_pairs
    V_models  = m / (m - 1) * sum over models of (sum over records of psi)^2
    V_records = n / (n - 1) * sum over records of (sum over models of psi)^2
    V_pairs   = sum over pairs of psi^2

V can come out smaller than one of its parts, even negative. It is raised to the larger of V_models and
V_records (see MacKinnon, Nielsen, Webb 2024, arXiv 2406.08880, on such remedies). Quantiles are those of
Student's t with min(m, n) - 1 degrees of freedom.

The models of a population share one pool, so an interval is about models that are trained on halves of
this pool, and about all records that the test records were drawn from.
"""

from __future__ import annotations

import numpy as np

from privbench.metrics.interval import Interval, clopper_pearson_interval, logit_t, t_quantile
from privbench.metrics.pairs import Floats


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
    return float(max(both, of_models, of_records))


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
