"""Empirical Bayes estimates for many records, each with few shadows.

*Variances.* Smyth 2004 ("Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments", doi 10.2202/1544-6115.1027), section 6: the variances of the
records are drawn from a scaled inverse chi-squared prior with ``d0`` degrees of freedom and scale
``s0^2``. Both are estimated from the mean and the variance of the records' log sample variances; with d
degrees of freedom, sampling shifts a log variance by digamma(d/2) - log(d/2) and adds a variance of
trigamma(d/2). A record's posterior has d0 + d degrees of freedom and scale (d0 s0^2 + SS) / (d0 + d),
and the predictive distribution of its next value is Student's t.

*Means.* The gap, by which a record's IN mean exceeds its OUT mean, varies between records about a common
value. The variance of the gap is the variance of the observed differences in excess of sampling noise.
A record's IN mean is estimated by its mean IN value and its mean OUT value plus the gap, weighted by
their precisions; likewise its OUT mean. This keeps the noise of few shadows out of the comparison, and
a record that lacks IN shadows or OUT shadows is estimated from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from privbench.attacks.moments import Floats, Moments

MAX_FREEDOM = 1e4
"""Degrees of freedom of the prior where records do not differ: Student's t is then nearly normal."""
_MIN_PROBABILITY = 1e-300  # floor that avoids log(0)


@dataclass(frozen=True)
class Prior:
    """Scaled inverse chi-squared prior of the records' variances, for each target.

    Attributes:
        freedom: (targets or 1, 1), degrees of freedom d0.
        scale: (targets or 1, 1), scale s0^2.
    """

    freedom: Floats
    scale: Floats

    @classmethod
    def fit(cls, sums: Floats) -> Prior:
        """Estimate the prior from `log_variance_sums` over all records (Smyth 2004, section 6)."""
        records, first, second, noise = sums[..., None]  # (targets, 1) each
        records = np.maximum(records, 1)
        mean = first / records
        between = second / records - mean**2 - noise / records
        freedom = np.minimum(2 * inverse_trigamma(np.maximum(between, 0.0)), MAX_FREEDOM)
        return cls(freedom, np.exp(mean + _log_chi_squared_mean(freedom)))

    def posterior(self, moments: Moments) -> tuple[Floats, Floats]:
        """Return the posterior scale and degrees of freedom (targets, records) of each variance."""
        freedom = self.freedom + np.maximum(moments.count - 1, 0)
        return (self.freedom * self.scale + moments.squares) / freedom, freedom


@dataclass(frozen=True)
class Posterior:
    """Mean and variance of each record's values under its IN, or its OUT, shadows.

    Attributes:
        mean: (targets or 1, records), the sample mean.
        scale: (targets or 1, records), the posterior scale of the variance.
        freedom: (targets or 1, records), its degrees of freedom.
        precision: (targets or 1, records), one over the squared standard error of ``mean``; 0 without
            shadows.
    """

    mean: Floats
    scale: Floats
    freedom: Floats
    precision: Floats

    @classmethod
    def of(cls, moments: Moments, prior: Prior) -> Posterior:
        """Combine the moments of the shadows with the prior of the variances."""
        scale, freedom = prior.posterior(moments)
        return cls(moments.mean, scale, freedom, moments.count / scale)


@dataclass(frozen=True)
class Gap:
    """Difference between a record's IN mean and its OUT mean, over records.

    Attributes:
        mean: (targets or 1, 1), the mean difference.
        variance: (targets or 1, 1), the variance of the true differences between records.
    """

    mean: Floats
    variance: Floats

    @classmethod
    def fit(cls, sums: Floats) -> Gap:
        """Estimate the gap from `gap_sums` over all records."""
        records, first, second, noise = sums[..., None]
        records = np.maximum(records, 1)
        mean = first / records
        return cls(mean, np.maximum(second / records - mean**2 - noise / records, 0.0))

    def predict(self, same: Posterior, opposite: Posterior, sign: int) -> tuple[Floats, Floats]:
        """Return the centre and the scale of the predictive distribution of each record's next value.

        Args:
            same: the posterior of the shadows for which to predict, IN or OUT.
            opposite: the posterior of the others.
            sign: 1 to predict an IN value, -1 to predict an OUT value.
        """
        # The opposite mean plus the gap estimates this mean with the variances of both.
        opposite_precision = opposite.precision / (1 + opposite.precision * self.variance)
        precision = same.precision + opposite_precision
        total = same.precision * same.mean + opposite_precision * (opposite.mean + sign * self.mean)
        safe_precision = np.where(precision > 0, precision, 1.0)
        error = np.where(precision > 0, 1 / safe_precision, same.scale)
        return total / safe_precision, same.scale + error


def gap_sums(in_posterior: Posterior, out_posterior: Posterior) -> Floats:
    """Sum over the records with IN and OUT shadows what the gap is estimated from.

    Returns:
        (4, targets): the number of these records, and the sums of the differences of their means, of
        the squared differences, and of the sampling variances of the differences.
    """
    both = (in_posterior.precision > 0) & (out_posterior.precision > 0)
    difference = in_posterior.mean - out_posterior.mean
    safe = [np.where(both, side.precision, 1.0) for side in (in_posterior, out_posterior)]
    sampling_variance = 1 / safe[0] + 1 / safe[1]
    terms = [np.ones_like(difference), difference, difference**2, sampling_variance]
    sums: Floats = np.stack([np.where(both, term, 0.0).sum(axis=1) for term in terms])
    return sums


def log_variance_sums(moments: Moments, floor: Floats) -> Floats:
    """Sum over the records with two values or more what the prior is estimated from.

    Args:
        moments: the moments of the records.
        floor: (targets or 1, 1), the smallest sample variance; smaller ones are raised to it.

    Returns:
        (4, targets): the number of these records, and the sums of their unbiased log variances, of the
        squares of those, and of the variances that sampling gives them.
    """
    from scipy.special import polygamma

    has_variance = moments.count >= 2
    freedom = np.maximum(moments.count - 1, 1)
    log_variance = np.log(np.maximum(moments.squares / freedom, floor))
    table = np.arange(1, freedom.max() + 1)  # every degree of freedom that occurs
    shifted = log_variance - _log_chi_squared_mean(table)[freedom - 1]
    sampling_variance = polygamma(1, table / 2)[freedom - 1]
    terms = [np.ones_like(shifted), shifted, shifted**2, sampling_variance]
    sums: Floats = np.stack([np.where(has_variance, term, 0.0).sum(axis=1) for term in terms])
    return sums


def log_density(value: Floats, centre: Floats, scale: Floats, freedom: Floats) -> Floats:
    """Compute the log density of Student's t, up to the constant -log(pi) / 2."""
    from scipy.special import gammaln

    square = (value - centre) ** 2 / (scale * freedom)
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(scale * freedom)
    density: Floats = constant - 0.5 * (freedom + 1) * np.log1p(square)
    return density


def log_cdf(value: Floats, centre: Floats, scale: Floats, freedom: Floats) -> Floats:
    """Compute the log of the distribution function of Student's t, accurate in both tails."""
    from scipy.special import stdtr

    standard = (value - centre) / np.sqrt(scale)
    tail = np.maximum(stdtr(freedom, -np.abs(standard)), _MIN_PROBABILITY)
    result: Floats = np.where(standard > 0, np.log1p(-tail), np.log(tail))
    return result


def log_outside(value: Floats, centre: Floats, scale: Floats, freedom: Floats) -> Floats:
    """Compute the log probability that the absolute value of Student's t exceeds that of ``value``."""
    from scipy.special import stdtr

    sd, reach = np.sqrt(scale), np.abs(value)
    low, high = (-reach - centre) / sd, (reach - centre) / sd
    outside = np.maximum(stdtr(freedom, low) + stdtr(freedom, -high), _MIN_PROBABILITY)
    # Where hardly anything is inside, what is outside rounds to one.
    inside = np.minimum(stdtr(freedom, high) - stdtr(freedom, low), 0.5)
    result: Floats = np.where(outside > 0.5, np.log1p(-inside), np.log(outside))
    return result


def inverse_trigamma(value: Floats) -> Floats:
    """Solve trigamma(y) = ``value`` >= 0 for y > 0; the solution for 0 is infinite.

    Uses Newton's method on 1 / trigamma (Smyth 2004, appendix).
    """
    from scipy.special import polygamma

    target = np.maximum(value, 1e-7)
    y = 0.5 + 1 / target
    active = np.ones(
        np.shape(y), dtype=bool
    )  # each entry stops on its own, so that no other one affects it
    for _ in range(50):
        trigamma = polygamma(1, y)
        step = trigamma * (1 - trigamma / target) / polygamma(2, y)
        y = np.where(active, y + step, y)
        active = active & (np.abs(step) >= 1e-9 * y)
        if not active.any():
            break
    return np.where(value > 1e-7, y, np.inf)


def _log_chi_squared_mean(freedom: Floats) -> Floats:
    """Return the mean of log(X / d) for X chi-squared with d = ``freedom`` degrees of freedom."""
    from scipy.special import digamma

    half = np.asarray(freedom) / 2
    mean: Floats = digamma(half) - np.log(half)
    return mean
