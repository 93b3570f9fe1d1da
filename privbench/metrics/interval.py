"""95% confidence intervals in [0, 1] from a resampled statistic.

With 16 models the percentile interval covers the truth 90% to 93% of the time, and BCa (Efron 1987) no
more often, because both ignore that the spread itself is estimated from few models. The intervals here
are studentised, on a scale on which a rate is closer to normal. `bootstrap` states which interval each
metric uses, and why.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from privbench.metrics.pairs import Floats

Interval = tuple[float, float]
LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
_MIN_ERROR = 1e-12
"""A standard error below this is rounding: the models do not differ."""


def bootstrap_t(
    estimate: float, error: float, draws: Floats, errors: Floats, n_models: int, n_pairs: int
) -> Interval:
    """Compute the bootstrap-t interval on the logit scale (Efron, Tibshirani 1993, chapter 12.5).

    There are three cases:

    1. The models do not differ, or the estimate is 0 or 1: `clopper_pearson_interval`.
    2. At least 99% of the draws have a standard error: quantiles of the studentised draws.
    3. Fewer have one (with two or three models, or where few models make all errors), so that the
       spread is hardly known: Student's t with ``n_models`` - 1 degrees of freedom, and an interval
       that ends no closer to 0 or 1 than that of an attack without any error.

    Args:
        estimate: the statistic of the population.
        error: its standard error.
        draws: (draws,), the statistic of each bootstrap draw.
        errors: (draws,), the standard error of each draw.
        n_models: number of models.
        n_pairs: the smaller of the numbers of member and non-member pairs.
    """
    if _is_degenerate(estimate, error):
        return clopper_pearson_interval(estimate, n_models, n_pairs)
    usable = (errors > _MIN_ERROR) & (draws > 0) & (draws < 1)  # NaN compares false
    centre, spread = _logit(np.array([estimate])), error / (estimate * (1 - estimate))
    if usable.mean() >= 0.99:
        rate = draws[usable]
        pivots = (_logit(rate) - centre) * (rate * (1 - rate)) / errors[usable]
        low, high = np.quantile(pivots, [_TAIL, 1 - _TAIL])
        return _enclosing(estimate, _expit(centre - np.array([high, low]) * spread))
    limits = np.array(logit_t(estimate, error, n_models))
    floor, _ = clopper_pearson_interval(1.0, n_models, n_pairs)
    _, ceiling = clopper_pearson_interval(0.0, n_models, n_pairs)
    return _enclosing(estimate, np.array([min(limits[0], floor), max(limits[1], ceiling)]))


def logit_t(estimate: float, error: float, n: int) -> Interval:
    """Compute the interval of Student's t on the logit scale, with ``n`` - 1 degrees of freedom.

    Args:
        estimate: the rate, above 0 and below 1.
        error: its standard error.
        n: number of independent parts that the error was computed from, at least 2.
    """
    reach = t_quantile(n) * error / (estimate * (1 - estimate))
    return _enclosing(estimate, _expit(_logit(np.array([estimate])) + np.array([-reach, reach])))


def bootstrap_error(draws: Floats, n_models: int) -> float:
    """Return the standard error of a statistic from its bootstrap draws (draws,); NaN is left out.

    The standard deviation of the draws underestimates it by sqrt((n - 1) / n) for n models, which is
    corrected.
    """
    valid = draws[~np.isnan(draws)]
    return float(valid.std() * np.sqrt(n_models / (n_models - 1))) if valid.size else 0.0


def arcsine_t(estimate: float, error: float, n: int, n_pairs: int) -> Interval:
    """Compute a Student's t interval of a rate on the arcsine scale, with ``n`` - 1 degrees of freedom.

    The arcsine scale keeps both tails even for rates from 1% on, where the untransformed scale misses
    too often above and the logit scale below.

    Args:
        estimate: the rate of the population.
        error: its standard error.
        n: number of independent parts that the error was computed from, at least 2.
        n_pairs: the smaller of the numbers of member and non-member pairs.
    """
    reach = t_quantile(n) * error
    if _is_degenerate(estimate, error):
        exact = np.array(clopper_pearson_interval(estimate, n, n_pairs))
        return _enclosing(estimate, np.clip([*exact, estimate - reach, estimate + reach], 0, 1))
    angle = np.arcsin(np.sqrt(estimate))
    reach /= 2 * np.sqrt(estimate * (1 - estimate))
    limits = np.clip([angle - reach, angle + reach], 0, np.pi / 2)
    return _enclosing(estimate, np.sin(limits) ** 2)


def clopper_pearson_interval(estimate: float, n_models: int, n_pairs: int) -> Interval:
    """Compute the Clopper-Pearson interval, for models that do not differ and cannot be resampled.

    - At a rate of 0 or 1 the number of trials is ``n_pairs``, as in Korn, Graubard 1998 (Survey
      Methodology 24:193): each outlier among the pairs costs an AUC at most 1 / ``n_pairs``. This
      assumes that outliers are pairs and not whole models.
    - Between 0 and 1, models that do not differ at all are most likely copies, and the number of
      trials is ``n_models``.

    Args:
        estimate: the rate of the population.
        n_models: number of models.
        n_pairs: the smaller of the numbers of member and non-member pairs.
    """
    from scipy.special import betaincinv

    trials = n_pairs if min(estimate, 1 - estimate) <= _MIN_ERROR else n_models
    hits = estimate * trials
    low = float(betaincinv(hits, trials - hits + 1, _TAIL)) if estimate > _MIN_ERROR else 0.0
    high = (
        float(betaincinv(hits + 1, trials - hits, 1 - _TAIL)) if estimate < 1 - _MIN_ERROR else 1.0
    )
    return _enclosing(estimate, np.array([low, high]))


@cache  # rows are many, and numbers of models few
def t_quantile(n_models: int) -> float:
    """Return the 97.5% quantile of Student's t with ``n_models`` - 1 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(n_models - 1, 1 - _TAIL))


def _is_degenerate(estimate: float, error: float) -> bool:
    """Return whether there is no spread between models to build an interval from."""
    return not error > _MIN_ERROR or min(estimate, 1 - estimate) <= _MIN_ERROR


def _enclosing(estimate: float, limits: Floats) -> Interval:
    """Return the range of ``limits``, widened to include the estimate."""
    return min(float(limits.min()), estimate), max(float(limits.max()), estimate)


def _logit(rate: Floats) -> Floats:
    return np.log(rate) - np.log1p(-rate)


def _expit(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(x / 2))  # tanh does not overflow
