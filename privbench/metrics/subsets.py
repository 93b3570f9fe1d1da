"""What an attack achieves on a part of the (model, record) pairs, with intervals, and how parts differ.

A part is a mask (models, records), such as the records of one class, or the pairs whose record the
model classifies correctly. The influence of a pair on the estimate of a part is 0 outside of it, so that
the difference of two parts, which share models and records, has a variance, too (`clustered`).
"""

from __future__ import annotations

import numpy as np

from privbench.metrics.clustered import Estimate, Over
from privbench.metrics.influence import auc_influence
from privbench.metrics.interval import (
    Interval,
    arcsine_t,
    clopper_pearson_interval,
    logit_t,
    t_quantile,
)
from privbench.metrics.pairs import Bools, Floats
from privbench.metrics.roc import auc

MIN_ERROR = 1e-12
"""A standard error below this is rounding."""


def auc_within(scores: Floats, member: Bools, within: Bools) -> tuple[float, Floats]:
    """Return the AUC of the pairs of a part, and the influence (models, records) of each pair on it.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        within: bool (models, records), the part, which has members and non-members.
    """
    inside, is_member = scores[within][None], member[within][None]
    psi = np.zeros(scores.shape)
    psi[within] = auc_influence(inside, is_member)[0]
    return auc(inside, is_member), psi


def auc_interval(
    estimate: float, psi: Floats, within: Bools, member: Bools, over: Over
) -> Interval:
    """Return the 95% interval of the AUC of a part, on the logit scale.

    Args:
        estimate: the AUC.
        psi: the influence (models, records) of each pair.
        within: bool (models, records), the part.
        member: bool (models, records), which records each model was trained on.
        over: what the interval takes to be samples.
    """
    found = _estimate(estimate, psi, within, over)
    if not np.isfinite(found.error):
        return 0.0, 1.0
    if found.error <= MIN_ERROR or not 0 < estimate < 1:
        n_pairs = min(int((member & within).sum()), int((~member & within).sum()))
        return clopper_pearson_interval(estimate, found.n, n_pairs)
    return logit_t(estimate, found.error, found.n)


def rate_within(called: Bools, part: Bools, over: Over) -> tuple[float, Interval]:
    """Return the share of the pairs of a part that are called members, and its 95% interval.

    The threshold is taken as given.

    Args:
        called: bool (models, records), which pairs are called members.
        part: bool (models, records), the part, such as the members of a class; not empty.
        over: what the interval takes to be samples.
    """
    rate, psi = float(called[part].mean()), _rate_influence(called, part)
    found = _estimate(rate, psi, part, over)
    if not np.isfinite(found.error):
        return rate, (0.0, 1.0)
    return rate, arcsine_t(rate, found.error, found.n, int(part.sum()))


def difference_p_value(first: float, second: float, psi: Floats, over: Over) -> float:
    """Return the two-sided p-value of Student's t for two estimates being equal.

    Args:
        first: an estimate.
        second: another one.
        psi: (models, records), the influence of each pair on the first less that on the second.
        over: what is taken to be samples.
    """
    from scipy.special import stdtr

    found = Estimate.of(first - second, psi, over)
    if not np.isfinite(found.error) or found.error <= MIN_ERROR:
        return 1.0
    return float(2 * stdtr(found.n - 1, -abs(found.value) / found.error))


def gap_interval(called: Bools, member: Bools, over: Over) -> tuple[float, Interval]:
    """Return TPR - FPR of decisions, and its 95% interval, in [-1, 1].

    The balanced accuracy is (1 + TPR - FPR) / 2. Thresholds are taken as given.

    Args:
        called: bool (models, records), which pairs are called members.
        member: bool (models, records), which records each model was trained on.
        over: what the interval takes to be samples.
    """
    gap = float(called[member].mean() - called[~member].mean())
    psi = _rate_influence(called, member) - _rate_influence(called, ~member)
    found = Estimate.of(gap, psi, over)
    if not np.isfinite(found.error):
        return gap, (-1.0, 1.0)
    if found.error <= MIN_ERROR:
        ends = [rate_within(called, part, over)[1] for part in (member, ~member)]
        return gap, (ends[0][0] - ends[1][1], ends[0][1] - ends[1][0])
    reach = t_quantile(found.n) * found.error
    return gap, (max(gap - reach, -1.0), min(gap + reach, 1.0))


def _rate_influence(called: Bools, part: Bools) -> Floats:
    psi: Floats = np.where(part, called - called[part].mean(), 0.0) / part.sum()
    return psi


def _estimate(value: float, psi: Floats, within: Bools, over: Over) -> Estimate:
    """Return an estimate whose degrees of freedom count the models and records of the part alone."""
    models, records = within.any(axis=1), within.any(axis=0)
    return Estimate.of(value, psi[models][:, records], over)
