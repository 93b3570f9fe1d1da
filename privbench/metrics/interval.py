"""From a resampled statistic to a 95% confidence interval that stays within [0, 1].

With 16 models the percentile interval covers 90% to 93%, and BCa (Efron 1987) no more, for both miss
that the spread itself is estimated from few models. The intervals here are studentised, on a scale on
which a rate is closer to normal. `bootstrap` says which is used for what.
"""

from __future__ import annotations

import numpy as np

from privbench.metrics.pairs import Floats

Interval = tuple[float, float]
LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
_TINY = 1e-12
"""A standard error below this is rounding: the models do not differ."""


def bootstrap_t(
    estimate: float, error: float, draws: Floats, errors: Floats, n_models: int, n_pairs: int
) -> Interval:
    """Bootstrap-t (Efron, Tibshirani 1993, ch. 12.5) on the logit scale.

    ``error`` is the standard error of ``estimate``, ``errors`` (draws,) those of the ``draws``. Where
    more than 1% of the draws have none, because there are two or three models or because few models
    make all errors, the spread is hardly known: then Student's t with ``n_models`` - 1 degrees of
    freedom replaces the quantiles of the draws, and the interval ends no closer to 0 or 1 than that
    of an attack without any error, `without_spread`.
    """
    if _degenerate(estimate, error):
        return without_spread(estimate, n_models, n_pairs)
    usable = (errors > _TINY) & (draws > 0) & (draws < 1)  # NaN compares false
    centre, spread = _logit(np.array([estimate])), error / (estimate * (1 - estimate))
    if usable.mean() >= 0.99:
        rate = draws[usable]
        pivots = (_logit(rate) - centre) * (rate * (1 - rate)) / errors[usable]
        low, high = np.quantile(pivots, [_TAIL, 1 - _TAIL])
        return _around(estimate, _expit(centre - np.array([high, low]) * spread))
    limits = _expit(centre + student(n_models) * np.array([-spread, spread]))
    floor, _ = without_spread(1.0, n_models, n_pairs)
    _, ceiling = without_spread(0.0, n_models, n_pairs)
    return _around(estimate, np.array([min(limits[0], floor), max(limits[1], ceiling)]))


def arcsine_t(estimate: float, draws: Floats, n_models: int, n_pairs: int) -> Interval:
    """Student's t times the bootstrap standard error, on the arcsine scale, for a rate.

    The standard deviation of the ``draws`` (draws,) is that of weights n/n_models, so it is scaled by
    sqrt(n / (n - 1)); draws that are NaN are left out. The arcsine keeps the two tails even from a rate
    of 1% on, where the plain scale misses above and the logit below.
    """
    valid = draws[~np.isnan(draws)]
    error = float(valid.std()) * np.sqrt(n_models / (n_models - 1)) if valid.size else 0.0
    reach = student(n_models) * error
    if _degenerate(estimate, error):
        found = np.array(without_spread(estimate, n_models, n_pairs))
        return _around(estimate, np.clip([*found, estimate - reach, estimate + reach], 0, 1))
    angle = np.arcsin(np.sqrt(estimate))
    reach /= 2 * np.sqrt(estimate * (1 - estimate))
    limits = np.clip([angle - reach, angle + reach], 0, np.pi / 2)
    return _around(estimate, np.sin(limits) ** 2)


def without_spread(estimate: float, n_models: int, n_pairs: int) -> Interval:
    """Clopper-Pearson interval for models that do not differ, which show no spread to resample.

    At a rate of 0 or 1 the trials are taken to be ``n_pairs``, the smaller of the numbers of members
    and non-members, as Korn, Graubard 1998 (Survey Methodology 24:193) do: each outlier among them
    costs an AUC at most 1 / ``n_pairs``. This assumes that outliers strike pairs and not whole models.
    Between 0 and 1, models without any difference are most likely copies, and the trials are
    ``n_models``.
    """
    from scipy.special import betaincinv

    trials = n_pairs if min(estimate, 1 - estimate) <= _TINY else n_models
    hits = estimate * trials
    low = float(betaincinv(hits, trials - hits + 1, _TAIL)) if estimate > _TINY else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - _TAIL)) if estimate < 1 - _TINY else 1.0
    return _around(estimate, np.array([low, high]))


def student(n_models: int) -> float:
    """The quantile of Student's t that leaves half of 5% above, n_models - 1 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(n_models - 1, 1 - _TAIL))


def _degenerate(estimate: float, error: float) -> bool:
    return not error > _TINY or min(estimate, 1 - estimate) <= _TINY


def _around(estimate: float, limits: Floats) -> Interval:
    """The range of ``limits``, widened to hold the estimate."""
    return min(float(limits.min()), estimate), max(float(limits.max()), estimate)


def _logit(rate: Floats) -> Floats:
    return np.log(rate) - np.log1p(-rate)


def _expit(x: Floats) -> Floats:
    # By tanh, which does not overflow.
    return 0.5 * (1 + np.tanh(x / 2))
