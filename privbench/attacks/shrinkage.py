"""Empirical Bayes for the variances of many records, each with few shadows.

Smyth 2004 ("Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments", doi 10.2202/1544-6115.1027), section 6: the variances of the records are
drawn from a scaled inverse chi-squared distribution with ``d0`` degrees of freedom and scale
``s0^2``. Its parameters follow from the mean and the spread of the records' log sample variances,
which are shifted by digamma(d/2) - log(d/2) and spread by trigamma(d/2) for d degrees of freedom. A
record's posterior has d0 + d degrees of freedom and scale (d0 s0^2 + SS) / (d0 + d), and the
predictive distribution of its next value is a Student-t.

The same for the centres. How much higher phi is IN than OUT differs between records about a common
gap, with a variance that is what the observed differences have beyond sampling noise. So a record's IN
centre is the mean of its IN values and of its OUT values plus the gap, each weighted by its precision,
and likewise its OUT centre. Where there is little to find, this keeps the noise of few shadows out of
the comparison; a record that lacks a side falls back on the other one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from privbench.attacks.moments import Floats, Moments

MOST_FREEDOM = 1e4
"""Of the prior, where records do not differ: a Student-t that is a normal for all purposes."""
_SMALLEST = 1e-300  # of a probability whose logarithm is taken


@dataclass(frozen=True)
class Prior:
    """The distribution of the records' variances as each target sees it, (targets or 1, 1) each."""

    freedom: Floats
    scale: Floats

    @classmethod
    def fit(cls, terms: Floats) -> Prior:
        """From the ``log_variance_terms`` of all records, summed."""
        records, first, second, noise = terms[..., None]  # (targets, 1) each
        records = np.maximum(records, 1)
        mean = first / records
        between = second / records - mean**2 - noise / records
        freedom = np.minimum(2 * inverse_trigamma(np.maximum(between, 0.0)), MOST_FREEDOM)
        return cls(freedom, np.exp(mean + _shift(freedom)))

    def posterior(self, moments: Moments) -> tuple[Floats, Floats]:
        """Scale and degrees of freedom (targets, records) of each record's variance."""
        freedom = self.freedom + np.maximum(moments.count - 1, 0)
        return (self.freedom * self.scale + moments.squares) / freedom, freedom


@dataclass(frozen=True)
class Belief:
    """What the shadows of one side say of some records, (targets or 1, records) each."""

    mean: Floats
    scale: Floats
    freedom: Floats
    precision: Floats
    """Of ``mean``; 0 without shadows."""

    @classmethod
    def of(cls, moments: Moments, prior: Prior) -> Belief:
        """With the variances shrunk."""
        scale, freedom = prior.posterior(moments)
        return cls(moments.mean, scale, freedom, moments.count / scale)


@dataclass(frozen=True)
class Gap:
    """How much higher phi is IN than OUT: mean and variance over records, (targets or 1, 1) each."""

    mean: Floats
    variance: Floats

    @classmethod
    def fit(cls, terms: Floats) -> Gap:
        """From the ``gap_terms`` of all records, summed."""
        records, first, second, noise = terms[..., None]
        records = np.maximum(records, 1)
        mean = first / records
        return cls(mean, np.maximum(second / records - mean**2 - noise / records, 0.0))

    def predict(self, own: Belief, other: Belief, sign: int) -> tuple[Floats, Floats]:
        """Centre and scale of the next value of one side; ``sign`` is 1 for IN and -1 for OUT."""
        # The other side's mean, moved by the gap, has its variance and that of the gap.
        moved = other.precision / (1 + other.precision * self.variance)
        precision = own.precision + moved
        total = own.precision * own.mean + moved * (other.mean + sign * self.mean)
        known = np.where(precision > 0, precision, 1.0)
        uncertain = np.where(precision > 0, 1 / known, own.scale)
        return total / known, own.scale + uncertain


def gap_terms(inside: Belief, outside: Belief) -> Floats:
    """Sums over records with both sides, (4, targets), that the gap follows from.

    How many; the differences of their means, and the squares of those; the variance that sampling gives
    them.
    """
    both = (inside.precision > 0) & (outside.precision > 0)
    difference = inside.mean - outside.mean
    safe = [np.where(both, side.precision, 1.0) for side in (inside, outside)]
    noise = 1 / safe[0] + 1 / safe[1]
    terms = [np.ones_like(difference), difference, difference**2, noise]
    sums: Floats = np.stack([np.where(both, term, 0.0).sum(axis=1) for term in terms])
    return sums


def log_variance_terms(moments: Moments, smallest: Floats) -> Floats:
    """Sums over records (4, targets) that the prior follows from.

    How many records have two values or more; their shifted log variances, and the squares of those;
    what sampling alone adds to these. Sample variances are taken to be at least ``smallest``
    (targets or 1, 1).
    """
    from scipy.special import polygamma

    used = moments.count >= 2
    own = np.maximum(moments.count - 1, 1)
    log_variance = np.log(np.maximum(moments.squares / own, smallest))
    table = np.arange(1, own.max() + 1)  # digamma and its kin of each possible count
    shifted = log_variance - _shift(table)[own - 1]
    noise = polygamma(1, table / 2)[own - 1]
    terms = [np.ones_like(shifted), shifted, shifted**2, noise]
    sums: Floats = np.stack([np.where(used, term, 0.0).sum(axis=1) for term in terms])
    return sums


def log_density(value: Floats, centre: Floats, scale: Floats, freedom: Floats) -> Floats:
    """Log density of a Student-t, less the constant log(pi) / 2."""
    from scipy.special import gammaln

    square = (value - centre) ** 2 / (scale * freedom)
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(scale * freedom)
    density: Floats = constant - 0.5 * (freedom + 1) * np.log1p(square)
    return density


def log_cdf(value: Floats, centre: Floats, scale: Floats, freedom: Floats) -> Floats:
    """Log of a Student-t's distribution function, accurate in both tails."""
    from scipy.special import stdtr

    standard = (value - centre) / np.sqrt(scale)
    tail = np.maximum(stdtr(freedom, -np.abs(standard)), _SMALLEST)
    result: Floats = np.where(standard > 0, np.log1p(-tail), np.log(tail))
    return result


def inverse_trigamma(value: Floats) -> Floats:
    """The y > 0 with trigamma(y) = ``value`` >= 0; infinite for 0.

    By Newton's method on 1 / trigamma (Smyth 2004, appendix).
    """
    from scipy.special import polygamma

    target = np.maximum(value, 1e-7)
    y = 0.5 + 1 / target
    active = np.ones(np.shape(y), dtype=bool)  # each stops by itself, whatever the others need
    for _ in range(50):
        found = polygamma(1, y)
        step = found * (1 - found / target) / polygamma(2, y)
        y = np.where(active, y + step, y)
        active = active & (np.abs(step) >= 1e-9 * y)
        if not active.any():
            break
    return np.where(value > 1e-7, y, np.inf)


def _shift(freedom: Floats) -> Floats:
    """Mean of the log of a chi-squared variable divided by its degrees of freedom."""
    from scipy.special import digamma

    half = np.asarray(freedom) / 2
    shift: Floats = digamma(half) - np.log(half)
    return shift
