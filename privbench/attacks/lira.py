"""The likelihood-ratio attack.

Carlini et al. 2022, "Membership Inference Attacks From First Principles", arXiv 2112.03570:
algorithm 1 (online) and equation 4 (offline), on the logit-scaled confidence phi of section IV-C.

    online   log N(phi; mu_in, var_in) - log N(phi; mu_out, var_out)
    offline  log Phi((phi - mu_out) / sd_out)

As in the authors' code, ``per-record`` takes the median of a record's shadows as the centre and their
standard deviation (ddof 0); ``global`` takes the mean, and one variance for all records. Deviations:

- ``global`` pools the residuals about each record's mean (ddof 0), for IN and for OUT apart, where
  the authors' code takes the standard deviation of all values, between records included.
- The paper has N/2 shadows IN and N/2 OUT for every record. Here rows of membership are independent,
  so a record may have no shadow on one side. Its centre there is that of the other side plus or minus
  the mean gap between the sides; offline, where IN shadows are not to be used, the mean over records.
  A variance from fewer than two shadows, or zero, is replaced by the global one. None of this gives
  membership away: the number of a record's IN shadows is independent of the target's row.
- A standard deviation is at least a thousandth of the global one, against a few equal answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Attack, View

Variance = Literal["per-record", "global"]

NO_SPREAD = 1e-12  # a variance of phi that is float32 rounding and nothing else
RELATIVE_FLOOR = 1e-6  # of a record's variance, as a share of the global one


class Lira(Attack):
    """Likelihood ratio of the target's confidence under normals fitted to the shadows' confidence."""

    name: ClassVar[str] = "lira"
    paper: ClassVar[str] = "Carlini et al. 2022, arXiv 2112.03570"

    mode: Literal["online", "offline"] = Field(
        "online", description="compare IN with OUT shadows, or use the OUT shadows only"
    )
    variance: Variance = Field(
        "global", description="one variance per record, or one for all (better with few shadows)"
    )

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,): log-likelihood ratios, or log of a one-sided p-value's complement."""
        phi = view.target.scaled_confidence(view.labels)
        shadows = view.shadows.scaled_confidence(view.labels)
        member = view.shadow_member
        outside = fit_normals(shadows, ~member, self.variance)
        if self.mode == "offline":
            return _offline(phi, outside)
        return _online(phi, fit_normals(shadows, member, self.variance), outside)


@dataclass(frozen=True)
class Normals:
    """One normal per record: ``centre`` and ``variance`` (n,), and whether any shadow is behind it."""

    centre: NDArray[np.float64]
    variance: NDArray[np.float64]
    known: NDArray[np.bool_]


def fit_normals(phi: NDArray[np.float64], used: NDArray[np.bool_], variance: Variance) -> Normals:
    """Fit each record's normal to the values ``phi`` (n_shadows, n) where ``used`` is true."""
    count = used.sum(axis=0)
    mean = np.where(used, phi, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(used, (phi - mean) ** 2, 0.0).sum(axis=0)
    several = count >= 2
    common = _global_variance(squares[several].sum(), count[several].sum(), phi[used])
    if variance == "global":
        return Normals(mean, np.full(len(mean), common), count > 0)
    own = squares / np.maximum(count, 1)
    floored = np.maximum(own, RELATIVE_FLOOR * common)
    usable = several & (own > NO_SPREAD)
    return Normals(_median(phi, used, count), np.where(usable, floored, common), count > 0)


def _global_variance(
    squares: np.float64, count: np.int64, values: NDArray[np.float64]
) -> np.float64:
    """Pooled residual variance, or where no record has two values that differ, that of all values."""
    pooled = squares / max(count, np.int64(1))
    overall = values.var() if len(values) else np.float64(0.0)
    return next((v for v in (pooled, overall) if v > NO_SPREAD), np.float64(1.0))


def _median(
    phi: NDArray[np.float64], used: NDArray[np.bool_], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Median (n,) of the used values of each record; 0 where there is none."""
    ordered = np.sort(np.where(used, phi, np.inf), axis=0)  # unused values go to the end
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2])
    median = np.take_along_axis(ordered, middle, axis=0).mean(axis=0)
    return np.where(count > 0, median, 0.0)


def _online(phi: NDArray[np.float64], inside: Normals, outside: Normals) -> NDArray[np.float64]:
    gap = _mean_gap(inside, outside)
    centre_in = np.where(inside.known, inside.centre, outside.centre + gap)
    centre_out = np.where(outside.known, outside.centre, inside.centre - gap)
    far_in = (phi - centre_in) ** 2 / inside.variance + np.log(inside.variance)
    far_out = (phi - centre_out) ** 2 / outside.variance + np.log(outside.variance)
    return 0.5 * (far_out - far_in)


def _mean_gap(inside: Normals, outside: Normals) -> float:
    """How much higher phi is IN than OUT, over the records that have both, else over all."""
    both = inside.known & outside.known
    known_in, known_out = (both, both) if both.any() else (inside.known, outside.known)
    if not (known_in.any() and known_out.any()):
        return 0.0
    return float(inside.centre[known_in].mean() - outside.centre[known_out].mean())


def _offline(phi: NDArray[np.float64], outside: Normals) -> NDArray[np.float64]:
    from scipy.special import log_ndtr

    known = outside.known
    typical = outside.centre[known].mean() if known.any() else 0.0
    centre = np.where(known, outside.centre, typical)
    scores: NDArray[np.float64] = log_ndtr((phi - centre) / np.sqrt(outside.variance))
    return scores
