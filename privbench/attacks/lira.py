"""The likelihood-ratio attack.

Carlini et al. 2022, "Membership Inference Attacks From First Principles", arXiv 2112.03570:
algorithm 1 (online) and equation 4 (offline), on the logit-scaled confidence phi of section IV-C.

    online   log N(phi; mu_in, var_in) - log N(phi; mu_out, var_out)
    offline  log Phi((phi - mu_out) / sd_out)

As in the authors' code, ``per-record`` takes the median of a record's shadows as the centre and their
standard deviation (ddof 0); ``global`` takes the mean, and one variance for all records. Deviations:

- ``global`` pools the residuals about each record's mean (ddof 0), for IN and for OUT apart, where
  the authors' code takes the standard deviation of all values, between records included. As far as
  we know that code takes the median as the centre with a fixed variance too; here it is the mean,
  about which the residuals are.
- ``shrunk`` is not in the paper: each record's variances, and how far its IN values lie above its OUT
  values, are moved towards those of all records by empirical Bayes, and the normals become the
  Student-t predictives that follow, see ``shrinkage``. With few shadows the estimates are what limits
  the attack.
- The paper has N/2 shadows IN and N/2 OUT for every record. Here rows of membership are independent,
  so a record may have no shadow on one side. Its centre there is that of the other side plus or minus
  the mean gap between the sides; offline, where IN shadows are not to be used, the mean over records.
  A variance from fewer than two shadows, or zero, is replaced by the global one. None of this gives
  membership away: the number of a record's IN shadows is independent of the target's row.
- A standard deviation is at least a thousandth of the global one, against a few equal answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Views
from privbench.attacks.moments import Bools, Floats, Moments, chunks, medians
from privbench.attacks.shrinkage import (
    MOST_FREEDOM,
    Belief,
    Gap,
    Prior,
    gap_terms,
    log_cdf,
    log_density,
    log_variance_terms,
)

Variance = Literal["per-record", "global", "shrunk"]

NO_SPREAD = 1e-12  # a variance of phi that is float32 rounding and nothing else
RELATIVE_FLOOR = 1e-6  # of a record's variance, as a share of the global one


class Lira(BatchedAttack):
    """Likelihood ratio of the target's confidence under normals fitted to the shadows' confidence."""

    name: ClassVar[str] = "lira"
    paper: ClassVar[str] = "Carlini et al. 2022, arXiv 2112.03570"

    mode: Literal["online", "offline"] = Field(
        "online", description="compare IN with OUT shadows, or use the OUT shadows only"
    )
    variance: Variance = Field(
        "shrunk",
        description="one per record, one for all, or shrunk between the two (best with few shadows)",
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool): log-likelihood ratios, or logs of a one-sided p-value."""
        phi = views.targets.scaled_confidence(views.labels)
        shadows = phi
        if views.shadows is not views.targets:
            shadows = views.shadows.scaled_confidence(views.labels)
        member, leave_one_out = views.shadow_member, views.leave_one_out
        if self.mode == "offline":
            return self._offline(phi, _Side(shadows, ~member, leave_one_out))
        return log_ratios(phi, shadows, member, leave_one_out, self.variance)

    def _offline(self, phi: Floats, outside: _Side) -> Floats:
        from scipy.special import log_ndtr

        prior = outside.prior() if self.variance == "shrunk" else None
        typical = np.zeros((1, 1)) if outside.complete else outside.mean_centre()[0]
        scores = np.empty(phi.shape)
        for part in outside.parts():
            if prior is not None:
                moments = outside.moments(part)
                centre = np.where(moments.count > 0, moments.mean, typical)
                scale, freedom = prior.posterior(moments)
                scale = scale * (1 + 1 / np.maximum(moments.count, 1))
                scores[:, part] = log_cdf(phi[:, part], centre, scale, freedom)
            else:
                found = outside.normals(part, self.variance)
                centre = np.where(found.known, found.centre, typical)
                scores[:, part] = log_ndtr((phi[:, part] - centre) / np.sqrt(found.variance))
        return scores


def log_ratios(
    phi: Floats, shadows: Floats, member: Bools, leave_one_out: bool, variance: Variance
) -> Floats:
    """Log-likelihood ratios (targets, n) of any statistic ``phi`` (targets, n) of models and records.

    ``shadows`` (shadows, n) is the same statistic of the shadows, ``member`` (shadows, n) says which
    were IN; with ``leave_one_out`` shadow i is target i and is left out for it.
    """
    inside = _Side(shadows, member, leave_one_out)
    outside = _Side(shadows, ~member, leave_one_out)
    if variance == "shrunk":
        return _online_shrunk(phi, inside, outside)
    complete = inside.complete and outside.complete
    gap = np.zeros((1, 1)) if complete else _mean_gap(inside, outside)
    scores = np.empty(phi.shape)
    for part in inside.parts():
        one, other = inside.normals(part, variance), outside.normals(part, variance)
        centre_in = np.where(one.known, one.centre, other.centre + gap)
        centre_out = np.where(other.known, other.centre, one.centre - gap)
        scores[:, part] = _log_normal(phi[:, part], centre_in, one.variance)
        scores[:, part] -= _log_normal(phi[:, part], centre_out, other.variance)
    return scores


def _online_shrunk(phi: Floats, inside: _Side, outside: _Side) -> Floats:
    priors = inside.prior(), outside.prior()

    def beliefs(part: slice) -> tuple[Belief, Belief]:
        return (
            Belief.of(inside.moments(part), priors[0]),
            Belief.of(outside.moments(part), priors[1]),
        )

    terms = np.sum([gap_terms(*beliefs(part)) for part in inside.parts()], axis=0)
    gap = Gap.fit(terms)
    found = terms[0][:, None] > 0  # by each target for itself: any record with both sides
    if not found.all():
        gap = replace(gap, mean=np.where(found, gap.mean, _mean_gap(inside, outside)))
    scores = np.empty(phi.shape)
    for part in inside.parts():
        one, other = beliefs(part)
        scores[:, part] = log_density(phi[:, part], *gap.predict(one, other, 1), one.freedom)
        scores[:, part] -= log_density(phi[:, part], *gap.predict(other, one, -1), other.freedom)
    return scores


@dataclass(frozen=True)
class _Normals:
    """What the targets take for the distribution of each record's phi: (targets or 1, records) each."""

    centre: Floats
    variance: Floats
    known: Bools
    """Whether any shadow is behind the centre."""


class _Side:
    """The shadows of one side, IN or OUT: ``phi`` (shadows, n) where ``used``."""

    def __init__(self, phi: Floats, used: Bools, leave_one_out: bool) -> None:
        self.phi = phi
        self.used = used
        self.leave_one_out = leave_one_out
        self.common = self._common_variance()  # (targets or 1, 1)

    def parts(self) -> Iterator[slice]:
        """All records, some at a time."""
        return chunks(*self.phi.shape)

    @property
    def complete(self) -> bool:
        """Whether each target has a shadow of each record, so that nothing needs to be filled in."""
        return bool((self.used.sum(axis=0) > self.leave_one_out).all())

    def moments(self, part: slice) -> Moments:
        """The moments of some records."""
        phi, used = self.phi[:, part], self.used[:, part]
        return Moments.of(phi, used, leave_one_out=self.leave_one_out)

    def normals(self, part: slice, variance: Variance) -> _Normals:
        """Normals fitted to some records."""
        moments = self.moments(part)
        known = moments.count > 0
        if variance == "global":
            return _Normals(moments.mean, self.common, known)
        own = moments.squares / np.maximum(moments.count, 1)
        usable = (moments.count >= 2) & (own > NO_SPREAD)
        floored = np.where(usable, np.maximum(own, RELATIVE_FLOOR * self.common), self.common)
        centre = medians(self.phi[:, part], self.used[:, part], leave_one_out=self.leave_one_out)
        return _Normals(centre, floored, known)

    def prior(self) -> Prior:
        """The distribution of the records' variances."""
        smallest = RELATIVE_FLOOR * self.common
        terms = [log_variance_terms(self.moments(part), smallest) for part in self.parts()]
        total = np.sum(terms, axis=0)
        fitted = Prior.fit(total)
        few = total[0][:, None] < 2  # records with two values: nothing to learn a prior from
        return Prior(
            np.where(few, MOST_FREEDOM, fitted.freedom), np.where(few, self.common, fitted.scale)
        )

    def mean_centre(self) -> tuple[Floats, Bools]:
        """The mean (targets or 1, 1) over records of the shadows' mean, and whether there is any."""
        middle = self.phi.mean()  # so that equal means have exactly their value for a mean
        total, records = self._sums(
            lambda m: (np.where(m.count > 0, m.mean - middle, 0.0), m.count > 0)
        )
        typical = np.where(records > 0, middle + total / np.maximum(records, 1), 0.0)
        return typical, records > 0

    def _common_variance(self) -> Floats:
        """Pooled residual variance; where no record has two values that differ, that of all values."""
        squares, count = self._sums(
            lambda m: (m.squares * (m.count >= 2), m.count * (m.count >= 2))
        )
        pooled = squares / np.maximum(count, 1)
        if (pooled > NO_SPREAD).all():
            return pooled
        overall = self._variance_of_all()
        fallback = np.where(overall > NO_SPREAD, overall, 1.0)
        return np.where(pooled > NO_SPREAD, pooled, fallback)

    def _variance_of_all(self) -> Floats:
        """Variance (targets or 1, 1) of the values of all shadows, merged from that of each."""
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

    def _sums(self, pick: Callable[[Moments], Sequence[NDArray[Any]]]) -> list[Floats]:
        """Sums over all records, (targets or 1, 1) each, of what ``pick`` says of some."""
        picked = [pick(self.moments(part)) for part in self.parts()]
        columns = zip(*picked, strict=True)
        return [
            np.sum([x.sum(axis=1, keepdims=True) for x in column], axis=0) for column in columns
        ]


def _row_moments(values: Floats) -> tuple[float, float, float]:
    """How many values, their mean and their variance."""
    return (len(values), values.mean(), values.var()) if len(values) else (0, 0.0, 0.0)


def _mean_gap(inside: _Side, outside: _Side) -> Floats:
    """How much higher phi is IN than OUT, (targets or 1, 1): over records with both, else over all."""
    gap = records = np.zeros((1, 1))
    for part in inside.parts():
        one, other = inside.moments(part), outside.moments(part)
        both = (one.count > 0) & (other.count > 0)
        gap = gap + np.where(both, one.mean - other.mean, 0.0).sum(axis=1, keepdims=True)
        records = records + both.sum(axis=1, keepdims=True)
    if (records > 0).all():
        return gap / records
    (centre_in, known_in), (centre_out, known_out) = inside.mean_centre(), outside.mean_centre()
    apart = np.where(known_in & known_out, centre_in - centre_out, 0.0)
    return np.where(records > 0, gap / np.maximum(records, 1), apart)


def _log_normal(phi: Floats, centre: Floats, variance: Floats) -> Floats:
    """Log density of a normal, less the constant."""
    return -0.5 * ((phi - centre) ** 2 / variance + np.log(variance))
