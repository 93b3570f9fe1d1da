"""PMIA: the proxy membership inference attack, for shadows that never saw the record.

Du et al. 2026, "Cascading and Proxy Membership Inference Attack", arXiv 2507.21412, the proxy attack of
the non-adaptive setting. Of the record itself only the behaviour OUT is known, under shadows that were
not trained on it. How it would behave IN is told by its proxies: other records of the adversary, whose
behaviour IN is known. With phi the logit-scaled confidence, the score is the log posterior odds of
membership, up to the prior odds:

    log p(phi | IN values of the proxies) - log p(phi | OUT values of the record)

Whose IN values these are depends on ``proxies``:

1. ``global``: all other records.
2. ``class``: the other records of the same class.
3. ``instance``: the other records that are most like it, under their OUT shadows.

This follows the abstract and descriptions of the attack by others. Deviations that we know of:

- The two densities are those of Student's t that predict the next value. The variance OUT is that of few
  shadows, and shrunk towards those of all records (see `shrinkage`), as in `lira` with ``shrunk``.
- Records are alike (``instance``) if their mean phi under OUT shadows is: the proxies are the
  ``neighbours`` next ones in this order, half of them below the record and half above it. Those of the
  same class are taken where there are so many, and otherwise those of all classes.
- The adversary's records are the other records of the pool, as shadows are trained on parts of it. A
  record's own IN values are never used.
- Rows of membership are independent, so something may be missing:
  1. A record without an OUT shadow gets the mean OUT value of the other records.
  2. Proxies with fewer than two IN values are replaced by those of the next wider kind.
  3. Where these, too, have fewer than two, or no record has an OUT shadow, scores are 0.
- A standard deviation is at least a thousandth of the one OUT of all records.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Views
from privbench.attacks.moments import Floats, Moments, fill_missing, of_targets_and_shadows
from privbench.attacks.shrinkage import MAX_FREEDOM, Prior, log_density, log_variance_sums

Ints = NDArray[np.int64]
Kind = Literal["global", "class", "instance"]

KINDS: tuple[Kind, ...] = ("instance", "class", "global")
"""From the proxies that are most like a record to those that always are enough."""
MIN_VARIANCE = 1e-12
"""A smaller variance of phi is float32 rounding."""
RELATIVE_FLOOR = 1e-6
"""Smallest variance, relative to the one OUT of all records."""

DECIMALS = 9
"""Mean values that differ by less count as equal, so that rounding does not choose the proxies."""


class Pmia(BatchedAttack):
    """Likelihood ratio of the confidence, IN values of similar records against OUT shadows."""

    name: ClassVar[str] = "pmia"
    paper: ClassVar[str] = "Du et al. 2026, arXiv 2507.21412"
    fits_normals: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    arrays: ClassVar[int] = 24

    proxies: Kind = Field(
        "instance",
        description="the records whose IN values stand for those of a record: all others (global), "
        "those of its class (class), or those with the most similar mean OUT confidence (instance)",
    )
    neighbours: int = Field(
        20, ge=2, description="number of proxies of each record, if they are chosen by instance"
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-likelihood ratios."""
        phi, shadows = of_targets_and_shadows(
            views, lambda outputs: outputs.scaled_confidence(views.labels)
        )
        member, leave_one_out = views.shadow_member, views.leave_one_out
        inside = Moments.of(shadows, member, leave_one_out=leave_one_out)
        outside = Moments.of(shadows, ~member, leave_one_out=leave_one_out)
        has_out = (outside.count > 0).any(axis=1, keepdims=True)
        variance = _common_variance(outside)
        out_centre = fill_missing(np.where(outside.count > 0, outside.mean, np.nan))
        proxies = self._proxies(inside, out_centre, views.labels)
        scores = _log_density_in(phi, proxies, RELATIVE_FLOOR * variance)
        scores -= _log_density_out(phi, outside, out_centre, variance)
        return np.where(has_out & (proxies.count >= 2), scores, 0.0)

    def _proxies(self, inside: Moments, out_centre: Floats, labels: Ints) -> Moments:
        """Return the moments of the IN values of each record's proxies, as each target sees them.

        Args:
            inside: the moments of each record's own IN values.
            out_centre: (targets or 1, n_pool), each record's mean OUT value.
            labels: (n_pool,).
        """
        rows = []
        for count, mean, squares, centre in zip(
            inside.count, inside.mean, inside.squares, out_centre, strict=True
        ):
            alone = Moments(count, mean, squares)
            chosen = self._of_kind(self.proxies, alone, centre, labels)
            for wider in KINDS[KINDS.index(self.proxies) + 1 :]:
                if (chosen.count >= 2).all():
                    break
                other = self._of_kind(wider, alone, centre, labels)
                chosen = _where(chosen.count >= 2, chosen, other)
            rows.append(chosen)
        return Moments(
            np.stack([row.count for row in rows]),
            np.stack([row.mean for row in rows]),
            np.stack([row.squares for row in rows]),
        )

    def _of_kind(self, kind: Kind, inside: Moments, out_centre: Floats, labels: Ints) -> Moments:
        """Return the moments (n_pool,) of the IN values of each record's proxies of a kind."""
        if kind == "instance":
            rounded = np.round(out_centre, DECIMALS)
            return _pooled(inside, neighbours_of(rounded, labels, self.neighbours))
        return _of_the_others(inside, labels if kind == "class" else np.zeros_like(labels))


def neighbours_of(values: Floats, labels: Ints, n_neighbours: int) -> Ints:
    """Return the records (n, at most n_neighbours) next to each in the order of ``values``.

    They are of the same class where it has so many other records.
    """
    n = len(values)
    near = _next_in_order(np.argsort(values, kind="stable"), min(n_neighbours, n - 1))
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        if len(of_class) > n_neighbours:
            order = np.argsort(values[of_class], kind="stable")
            near[of_class] = of_class[_next_in_order(order, n_neighbours)]
    return near


def _next_in_order(order: Ints, n_neighbours: int) -> Ints:
    """Return the ``n_neighbours`` records next to each, half of them on each side, but at the ends."""
    n = len(order)
    place = np.arange(n)[:, None]
    first = np.clip(place - n_neighbours // 2, 0, n - 1 - n_neighbours)
    near = first + np.arange(n_neighbours)
    near += near >= place  # skips the record itself
    result = np.empty_like(near)
    result[order] = order[near]
    return result


def _pooled(values: Moments, which: Ints) -> Moments:
    """Return the moments (n,) of the values of several records (n, k) together."""
    counts, means = values.count[which], values.mean[which]
    count = counts.sum(axis=1)
    mean = (counts * means).sum(axis=1) / np.maximum(count, 1)
    between = counts * (means - mean[:, None]) ** 2
    return Moments(count, mean, (values.squares[which] + between).sum(axis=1))


def _of_the_others(values: Moments, group: Ints) -> Moments:
    """Return the moments (n,) of the values of all other records of a record's group."""

    def total(of: NDArray[np.generic]) -> Floats:
        sums: Floats = np.bincount(group, weights=of).astype(np.float64)
        return sums[group]

    everyone = total(values.count)
    mean = total(values.count * values.mean) / np.maximum(everyone, 1)
    difference = values.mean - mean
    square = values.count * difference**2
    squares = total(values.squares + square)
    count = everyone - values.count
    share = 1 / np.maximum(count, 1)  # takes a record's values out: Chan, Golub, LeVeque 1983
    left = squares - values.squares - square * everyone * share
    return Moments(
        count.astype(np.int64),
        mean - values.count * difference * share,
        np.maximum(left, 0.0),  # rounding might make it negative
    )


def _where(condition: NDArray[np.bool_], first: Moments, second: Moments) -> Moments:
    return Moments(
        np.where(condition, first.count, second.count),
        np.where(condition, first.mean, second.mean),
        np.where(condition, first.squares, second.squares),
    )


def _common_variance(outside: Moments) -> Floats:
    """Return one variance (targets or 1, 1) of all records about their means OUT.

    Where it is zero, it is the variance of these means, and where that is, too, it is 1.
    """
    has_mean = outside.count > 0
    repeated = outside.count >= 2
    squares = np.where(repeated, outside.squares, 0.0).sum(axis=1, keepdims=True)
    count = np.where(repeated, outside.count, 0).sum(axis=1, keepdims=True)
    pooled = squares / np.maximum(count, 1)
    typical = fill_missing(np.where(has_mean, outside.mean, np.nan))
    between = typical.var(axis=1, keepdims=True)
    fallback = np.where(between > MIN_VARIANCE, between, 1.0)
    return np.where(pooled > MIN_VARIANCE, pooled, fallback)


def _log_density_in(phi: Floats, proxies: Moments, floor: Floats) -> Floats:
    """Return the log density (targets, n_pool) that the IN values of the proxies predict."""
    freedom = np.maximum(proxies.count - 1, 1)
    scale = np.maximum(proxies.squares / freedom, floor) * (1 + 1 / np.maximum(proxies.count, 1))
    return log_density(phi, proxies.mean, scale, freedom)


def _log_density_out(phi: Floats, outside: Moments, centre: Floats, variance: Floats) -> Floats:
    """Return the log density (targets, n_pool) that the record's OUT values predict."""
    sums = log_variance_sums(outside, RELATIVE_FLOOR * variance)
    fitted = Prior.fit(sums)
    too_few = sums[0][:, None] < 2  # records with two values, too few to estimate a prior from
    prior = Prior(
        np.where(too_few, MAX_FREEDOM, fitted.freedom), np.where(too_few, variance, fitted.scale)
    )
    scale, freedom = prior.posterior(outside)
    scale = scale * (1 + 1 / np.maximum(outside.count, 1))
    return log_density(phi, centre, scale, freedom)
