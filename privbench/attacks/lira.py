"""LiRA: the likelihood-ratio attack.

Carlini et al. 2022, "Membership Inference Attacks From First Principles", arXiv 2112.03570, algorithm 1
(online) and equation 4 (offline), on the logit-scaled confidence phi of section IV-C:

    online   log N(phi; mu_in, var_in) - log N(phi; mu_out, var_out)
    offline  log Phi((phi - mu_out) / sd_out)

For regression, phi is the residual of the record, target minus prediction (see `tasks`). Online, the gap
of ``shrunk`` is that towards zero. Offline, the score is the log probability that the residual of an OUT
model is further from zero than the target's.

As in the authors' code, ``per-record`` uses the median of a record's shadows as the mean of the normal,
and their standard deviation (ddof 0). ``global`` uses the mean, and one variance for all records.

Deviations:

- ``global`` pools the residuals about each record's mean (ddof 0), separately for IN and OUT. The
  authors' code takes the standard deviation of all values, which includes differences between
  records. As far as we know it also centres a fixed variance on the median; here it is the mean, about
  which the residuals are taken.
- ``shrunk`` is not in the paper. Each record's variances, and the gap between its IN and OUT means, are
  shrunk towards those of all records by empirical Bayes, and the normals become the Student's t
  distributions that predict the next value (see `shrinkage`). With few shadows, the error of these
  estimates is what limits the attack.
- The paper has N/2 shadows IN and N/2 OUT for every record. Here rows of membership are independent,
  so a record may lack IN or OUT shadows:
  1. Online, the missing mean is that of the record's other shadows, plus or minus the mean gap.
  2. Offline, where IN shadows may not be used, it is the mean over the other records.
  3. A variance from fewer than two shadows, or a variance of zero, is replaced by the global one.
  None of this reveals membership: the number of a record's IN shadows is independent of the target's
  row.
- With ``queries_per_record``, confidences are averaged over augmented copies of a record, and compared
  with the averages of shadows. The paper fits normals to each copy's confidences, and averages the log
  ratios. Where training does not augment, the probabilities of repeated queries are averaged.
- A standard deviation is at least a thousandth of the global one, so that a few nearly equal outputs do
  not make a record certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Task, Views
from privbench.attacks.moments import (
    Bools,
    Floats,
    Moments,
    chunks,
    medians,
    of_targets_and_shadows,
)
from privbench.attacks.repeated import RepeatableAttack
from privbench.attacks.shrinkage import (
    MAX_FREEDOM,
    Gap,
    Posterior,
    Prior,
    gap_sums,
    log_cdf,
    log_density,
    log_outside,
    log_variance_sums,
)

Variance = Literal["per-record", "global", "shrunk"]

MIN_VARIANCE = 1e-12  # a smaller variance of phi is float32 rounding
RELATIVE_FLOOR = 1e-6  # smallest variance of a record, relative to the global one


class Lira(RepeatableAttack):
    """Likelihood ratio of the confidence, IN against OUT shadows."""

    name: ClassVar[str] = "lira"
    paper: ClassVar[str] = "Carlini et al. 2022, arXiv 2112.03570"
    fits_normals: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")
    additive: ClassVar[bool] = True

    mode: Literal["online", "offline"] = Field(
        "online",
        description="compare IN with OUT shadows (online), or use only OUT shadows (offline)",
    )
    variance: Variance = Field(
        "shrunk",
        description="variances of the normals: one per record, one for all records (global), or "
        "per-record variances shrunk towards the global one (best with few shadows)",
    )

    def adds_up(self) -> bool:
        """Return whether scores are log-likelihood ratios, as they are online."""
        return self.mode == "online"

    def score_once(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-likelihood ratios, or logs of one-sided p-values."""
        phi, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.normal_value(views.labels)
        )
        member, leave_one_out = views.shadow_member, views.leave_one_out
        if self.mode == "offline":
            out = _ShadowValues(shadows, ~member, leave_one_out)
            return self._offline(phi, out, two_sided=views.task == "regression")
        to_zero = views.task == "regression"
        return log_ratios(phi, shadows, member, leave_one_out, self.variance, to_zero=to_zero)

    def _offline(self, phi: Floats, out: _ShadowValues, *, two_sided: bool) -> Floats:
        """Return the log probability (targets, n) of a smaller value than ``phi`` under OUT.

        With ``two_sided``, it is that of a larger absolute value: of a larger residual.
        """
        from scipy.special import log_ndtr

        prior = out.prior() if self.variance == "shrunk" else None
        typical = np.zeros((1, 1)) if out.complete else out.mean_of_means()[0]
        scores = np.empty(phi.shape)
        for part in out.parts():
            if prior is not None:
                moments = out.moments(part)
                centre = np.where(moments.count > 0, moments.mean, typical)
                scale, freedom = prior.posterior(moments)
                scale = scale * (1 + 1 / np.maximum(moments.count, 1))
                tail = log_outside if two_sided else log_cdf
                scores[:, part] = tail(phi[:, part], centre, scale, freedom)
            else:
                normals = out.normals(part, self.variance)
                centre = np.where(normals.has_shadows, normals.centre, typical)
                if two_sided:
                    args = centre, normals.variance, np.array(np.inf)
                    scores[:, part] = log_outside(phi[:, part], *args)
                else:
                    standard = (phi[:, part] - centre) / np.sqrt(normals.variance)
                    scores[:, part] = log_ndtr(standard)
        return scores


def log_ratios(
    phi: Floats,
    shadows: Floats,
    member: Bools,
    leave_one_out: bool,
    variance: Variance,
    *,
    to_zero: bool = False,
) -> Floats:
    """Compute log-likelihood ratios, IN against OUT, of any statistic of models and records.

    Args:
        phi: (targets, n), the statistic of the targets.
        shadows: (shadows, n), the statistic of the shadows.
        member: bool (shadows, n), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.
        variance: how variances are estimated, see `Lira`.
        to_zero: whether training on a record moves its statistic towards zero, and not to larger values;
            for "shrunk" variances, which use the mean gap between IN and OUT.

    Returns:
        (targets, n).
    """
    in_values = _ShadowValues(shadows, member, leave_one_out)
    out_values = _ShadowValues(shadows, ~member, leave_one_out)
    if variance == "shrunk":
        return _shrunk_log_ratios(phi, in_values, out_values, to_zero=to_zero)
    complete = in_values.complete and out_values.complete
    gap = np.zeros((1, 1)) if complete else _mean_gap(in_values, out_values)
    scores = np.empty(phi.shape)
    for part in in_values.parts():
        in_, out = in_values.normals(part, variance), out_values.normals(part, variance)
        centre_in = np.where(in_.has_shadows, in_.centre, out.centre + gap)
        centre_out = np.where(out.has_shadows, out.centre, in_.centre - gap)
        scores[:, part] = _log_normal(phi[:, part], centre_in, in_.variance)
        scores[:, part] -= _log_normal(phi[:, part], centre_out, out.variance)
    return scores


def _shrunk_log_ratios(
    phi: Floats, in_values: _ShadowValues, out_values: _ShadowValues, *, to_zero: bool
) -> Floats:
    priors = in_values.prior(), out_values.prior()

    def posteriors(part: slice) -> tuple[Posterior, Posterior, Floats]:
        """Return the posteriors IN and OUT, and the sign (targets or 1, records) that they have."""
        moments = in_values.moments(part), out_values.moments(part)
        in_, out = (Posterior.of(*one) for one in zip(moments, priors, strict=True))
        if not to_zero:
            return in_, out, np.ones((1, 1))
        # With a positive mean, records have a common gap: a negative one.
        total = sum(side.count * side.mean for side in moments)
        sign = np.where(total >= 0, 1.0, -1.0)
        return replace(in_, mean=sign * in_.mean), replace(out, mean=sign * out.mean), sign

    sums = np.sum([gap_sums(*posteriors(part)[:2]) for part in in_values.parts()], axis=0)
    gap = Gap.fit(sums)
    has_both = sums[0][:, None] > 0  # for each target, whether any record has IN and OUT shadows
    if not has_both.all():
        gap = replace(gap, mean=np.where(has_both, gap.mean, _mean_gap(in_values, out_values)))
    scores = np.empty(phi.shape)
    for part in in_values.parts():
        in_, out, sign = posteriors(part)
        value = sign * phi[:, part]
        scores[:, part] = log_density(value, *gap.predict(in_, out, 1), in_.freedom)
        scores[:, part] -= log_density(value, *gap.predict(out, in_, -1), out.freedom)
    return scores


@dataclass(frozen=True)
class _Normals:
    """A normal for phi of each record, as each target fits it.

    Attributes:
        centre: (targets or 1, records), the mean.
        variance: (targets or 1, records or 1).
        has_shadows: bool (targets or 1, records), whether any shadow supports the centre.
    """

    centre: Floats
    variance: Floats
    has_shadows: Bools


class _ShadowValues:
    """Phi (shadows, n) of each record's IN, or of its OUT, shadows: those that are ``used``."""

    def __init__(self, phi: Floats, used: Bools, leave_one_out: bool) -> None:
        self.phi = phi
        self.used = used
        self.leave_one_out = leave_one_out
        self.global_variance = self._global_variance()  # (targets or 1, 1)

    def parts(self) -> Iterator[slice]:
        """Return slices of the records to process one after another."""
        return chunks(*self.phi.shape)

    @property
    def complete(self) -> bool:
        """Whether each target has a shadow for every record, so that nothing is missing."""
        return bool((self.used.sum(axis=0) > self.leave_one_out).all())

    def moments(self, part: slice) -> Moments:
        """Return the moments of some records."""
        phi, used = self.phi[:, part], self.used[:, part]
        return Moments.of(phi, used, leave_one_out=self.leave_one_out)

    def normals(self, part: slice, variance: Variance) -> _Normals:
        """Fit normals to some records."""
        moments = self.moments(part)
        has_shadows = moments.count > 0
        if variance == "global":
            return _Normals(moments.mean, self.global_variance, has_shadows)
        sample = moments.squares / np.maximum(moments.count, 1)
        usable = (moments.count >= 2) & (sample > MIN_VARIANCE)
        floored = np.maximum(sample, RELATIVE_FLOOR * self.global_variance)
        centre = medians(self.phi[:, part], self.used[:, part], leave_one_out=self.leave_one_out)
        return _Normals(centre, np.where(usable, floored, self.global_variance), has_shadows)

    def prior(self) -> Prior:
        """Estimate the prior of the records' variances."""
        floor = RELATIVE_FLOOR * self.global_variance
        sums = np.sum(
            [log_variance_sums(self.moments(part), floor) for part in self.parts()], axis=0
        )
        fitted = Prior.fit(sums)
        too_few = sums[0][:, None] < 2  # records with two values, too few to estimate a prior from
        return Prior(
            np.where(too_few, MAX_FREEDOM, fitted.freedom),
            np.where(too_few, self.global_variance, fitted.scale),
        )

    def mean_of_means(self) -> tuple[Floats, Bools]:
        """Return the mean (targets or 1, 1) of the records' means, and whether any record has one."""
        middle = self.phi.mean()  # subtracted so that the mean of equal means is exact
        total, records = self._sum_over_records(
            lambda m: (np.where(m.count > 0, m.mean - middle, 0.0), m.count > 0)
        )
        typical = np.where(records > 0, middle + total / np.maximum(records, 1), 0.0)
        return typical, records > 0

    def _global_variance(self) -> Floats:
        """Return the pooled residual variance, or the variance of all values where that is zero."""
        squares, count = self._sum_over_records(
            lambda m: (m.squares * (m.count >= 2), m.count * (m.count >= 2))
        )
        pooled = squares / np.maximum(count, 1)
        if (pooled > MIN_VARIANCE).all():
            return pooled
        overall = self._variance_of_all()
        fallback = np.where(overall > MIN_VARIANCE, overall, 1.0)
        return np.where(pooled > MIN_VARIANCE, pooled, fallback)

    def _variance_of_all(self) -> Floats:
        """Return the variance (targets or 1, 1) of all values, merged from those of each shadow."""
        n = len(self.phi)
        seen = ~np.eye(n, dtype=bool) if self.leave_one_out else np.ones((1, n), dtype=bool)
        count, mean, variance = np.array(
            [_row_moments(phi[used]) for phi, used in zip(self.phi, self.used, strict=True)]
        ).T  # (shadows,) each
        weight = seen * count  # (targets or 1, shadows)
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1)
        between = (mean - (weight @ mean)[:, None]) ** 2
        merged: Floats = (weight * (variance + between)).sum(axis=1, keepdims=True)
        return merged

    def _sum_over_records(
        self, terms_of: Callable[[Moments], Sequence[NDArray[Any]]]
    ) -> list[Floats]:
        """Return the sums (targets or 1, 1) over all records of terms of their moments."""
        terms = [terms_of(self.moments(part)) for part in self.parts()]
        columns = zip(*terms, strict=True)
        return [
            np.sum([x.sum(axis=1, keepdims=True) for x in column], axis=0) for column in columns
        ]


def _row_moments(values: Floats) -> tuple[float, float, float]:
    """Return the number of values, their mean and their variance."""
    return (len(values), values.mean(), values.var()) if len(values) else (0, 0.0, 0.0)


def _mean_gap(in_values: _ShadowValues, out_values: _ShadowValues) -> Floats:
    """Return the mean (targets or 1, 1) of phi IN minus phi OUT.

    1. The mean over the records with IN and OUT shadows.
    2. Where there are none, the difference of the means over all records.
    3. Where all shadows are IN, or all are OUT, zero.
    """
    gap = records = np.zeros((1, 1))
    for part in in_values.parts():
        in_, out = in_values.moments(part), out_values.moments(part)
        both = (in_.count > 0) & (out.count > 0)
        gap = gap + np.where(both, in_.mean - out.mean, 0.0).sum(axis=1, keepdims=True)
        records = records + both.sum(axis=1, keepdims=True)
    if (records > 0).all():
        return gap / records
    mean_in, any_in = in_values.mean_of_means()
    mean_out, any_out = out_values.mean_of_means()
    difference = np.where(any_in & any_out, mean_in - mean_out, 0.0)
    return np.where(records > 0, gap / np.maximum(records, 1), difference)


def _log_normal(phi: Floats, centre: Floats, variance: Floats) -> Floats:
    """Return the log density of a normal, up to a constant."""
    return -0.5 * ((phi - centre) ** 2 / variance + np.log(variance))
