"""The likelihood-ratio attack.

Carlini et al. 2022, "Membership Inference Attacks From First Principles", arXiv 2112.03570:
algorithm 1 (online) and equation 4 (offline), on the logit-scaled confidence phi of section IV-C.

    online   log N(phi; mu_in, var_in) - log N(phi; mu_out, var_out)
    offline  log Phi((phi - mu_out) / sd_out)

As in the authors' code, ``per-record`` takes the median of a record's shadows as the centre and their
standard deviation (ddof 0); ``global`` takes the mean, and one variance for all records. Deviations:

- ``global`` pools the residuals about each record's mean (ddof 0), for IN and for OUT apart, where
  the authors' code takes the standard deviation of all values, between records included.
- ``shrunk`` is not in the paper: each record's variance is moved towards a common one by empirical Bayes
  (Smyth 2004, doi 10.2202/1544-6115.1027), and the normal becomes the Student-t predictive that
  follows, see ``shrinkage``. With few shadows it matters most how the variance is estimated.
- The paper has N/2 shadows IN and N/2 OUT for every record. Here rows of membership are independent,
  so a record may have no shadow on one side. Its centre there is that of the other side plus or minus
  the mean gap between the sides; offline, where IN shadows are not to be used, the mean over records.
  A variance from fewer than two shadows, or zero, is replaced by the global one. None of this gives
  membership away: the number of a record's IN shadows is independent of the target's row.
- A standard deviation is at least a thousandth of the global one, against a few equal answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Views
from privbench.attacks.moments import Bools, Floats, Moments, chunks, medians
from privbench.attacks.shrinkage import Prior, log_cdf, log_density, log_variance_terms

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
        "global",
        description="one per record, one for all (better with few shadows), or shrunk between the two",
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool): log-likelihood ratios, or logs of a one-sided p-value."""
        phi = views.targets.scaled_confidence(views.labels)
        shadows = phi
        if views.shadows is not views.targets:
            shadows = views.shadows.scaled_confidence(views.labels)
        outside = _Side(shadows, ~views.shadow_member, views.leave_one_out, self.variance)
        scores = np.empty(phi.shape)
        if self.mode == "offline":
            typical = outside.mean_centre()
            for part in chunks(*shadows.shape):
                scores[:, part] = _offline(phi[:, part], outside.fit(part), typical)
            return scores
        inside = _Side(shadows, views.shadow_member, views.leave_one_out, self.variance)
        gap = _mean_gap(inside, outside)
        for part in chunks(*shadows.shape):
            scores[:, part] = _online(phi[:, part], inside.fit(part), outside.fit(part), gap)
        return scores


@dataclass(frozen=True)
class _Normals:
    """What the targets take for the distribution of each record's phi: (targets or 1, records) each.

    A normal with variance ``scale``, or, with degrees of ``freedom``, a Student-t.
    """

    centre: Floats
    scale: Floats
    freedom: Floats | None
    known: Bools
    """Whether any shadow is behind the centre."""


class _Side:
    """The shadows of one side, IN or OUT: ``phi`` (shadows, n) where ``used``."""

    def __init__(self, phi: Floats, used: Bools, leave_one_out: bool, variance: Variance) -> None:
        self.phi = phi
        self.used = used
        self.leave_one_out = leave_one_out
        self.variance = variance
        self.common = self._common_variance()  # (targets or 1, 1)
        self.prior = self._prior() if variance == "shrunk" else None

    def fit(self, part: slice) -> _Normals:
        """The distributions of some records."""
        moments = self.moments(part)
        known = moments.count > 0
        if self.prior is not None:
            return _Normals(moments.mean, *self.prior.predict(moments), known)
        if self.variance == "global":
            return _Normals(moments.mean, self.common, None, known)
        own = moments.squares / np.maximum(moments.count, 1)
        usable = (moments.count >= 2) & (own > NO_SPREAD)
        scale = np.where(usable, np.maximum(own, RELATIVE_FLOOR * self.common), self.common)
        centre = medians(self.phi[:, part], self.used[:, part], leave_one_out=self.leave_one_out)
        return _Normals(centre, scale, None, known)

    def moments(self, part: slice) -> Moments:
        """The moments of some records."""
        phi, used = self.phi[:, part], self.used[:, part]
        return Moments.of(phi, used, leave_one_out=self.leave_one_out)

    def mean_centre(self) -> Floats:
        """The mean (targets or 1, 1) over records of the shadows' mean."""
        total, records = self._sums(lambda m: (m.mean, m.count > 0))
        return total / np.maximum(records, 1)

    def _common_variance(self) -> Floats:
        """Pooled residual variance; where no record has two values that differ, that of all values."""
        squares, count = self._sums(
            lambda m: (m.squares * (m.count >= 2), m.count * (m.count >= 2))
        )
        pooled = squares / np.maximum(count, 1)
        overall = self._variance_of_all()
        fallback = np.where(overall > NO_SPREAD, overall, 1.0)
        return np.where(pooled > NO_SPREAD, pooled, fallback)

    def _variance_of_all(self) -> Floats:
        count = self.used.sum(axis=1)
        centre = np.where(self.used, self.phi, 0.0).sum() / max(1, int(count.sum()))
        rows = np.stack([count, *_row_sums(self.phi - centre, self.used)])  # (3, shadows)
        sums = rows.sum(axis=1, keepdims=True)
        count, first, second = sums - rows if self.leave_one_out else sums
        count = np.maximum(count, 1)
        variance: Floats = second / count - (first / count) ** 2
        return variance[:, None]

    def _prior(self) -> Prior:
        smallest = RELATIVE_FLOOR * float(self.common.mean())
        parts = chunks(*self.phi.shape)
        terms = [log_variance_terms(self.moments(part), smallest) for part in parts]
        return Prior.fit(np.sum(terms, axis=0))

    def _sums(self, pick: Callable[[Moments], Sequence[NDArray[Any]]]) -> list[Floats]:
        """Sums over all records, (targets or 1, 1) each, of what ``pick`` says of some."""
        picked = [pick(self.moments(part)) for part in chunks(*self.phi.shape)]
        return [
            sum(x.sum(axis=1, keepdims=True) for x in column)
            for column in zip(*picked, strict=True)
        ]


def _row_sums(values: Floats, used: Bools) -> tuple[Floats, Floats]:
    kept = np.where(used, values, 0.0)
    return kept.sum(axis=1), np.einsum("ij,ij->i", kept, kept)


def _mean_gap(inside: _Side, outside: _Side) -> Floats:
    """How much higher phi is IN than OUT, (targets or 1, 1): over records with both, else over all."""
    gap = records = np.zeros((1, 1))
    for part in chunks(*inside.phi.shape):
        one, other = inside.moments(part), outside.moments(part)
        both = (one.count > 0) & (other.count > 0)
        gap = gap + np.where(both, one.mean - other.mean, 0.0).sum(axis=1, keepdims=True)
        records = records + both.sum(axis=1, keepdims=True)
    if (records > 0).all():
        return gap / records
    apart = inside.mean_centre() - outside.mean_centre()
    known = inside.used.any() and outside.used.any()
    return np.where(records > 0, gap / np.maximum(records, 1), apart if known else 0.0)


def _online(phi: Floats, inside: _Normals, outside: _Normals, gap: Floats) -> Floats:
    centre_in = np.where(inside.known, inside.centre, outside.centre + gap)
    centre_out = np.where(outside.known, outside.centre, inside.centre - gap)
    return _log_density(phi, centre_in, inside) - _log_density(phi, centre_out, outside)


def _log_density(phi: Floats, centre: Floats, of: _Normals) -> Floats:
    if of.freedom is not None:
        return log_density(phi, centre, of.scale, of.freedom)
    return -0.5 * ((phi - centre) ** 2 / of.scale + np.log(of.scale))


def _offline(phi: Floats, outside: _Normals, typical: Floats) -> Floats:
    from scipy.special import log_ndtr

    centre = np.where(outside.known, outside.centre, typical)
    if outside.freedom is not None:
        return log_cdf(phi, centre, outside.scale, outside.freedom)
    scores: Floats = log_ndtr((phi - centre) / np.sqrt(outside.scale))
    return scores
