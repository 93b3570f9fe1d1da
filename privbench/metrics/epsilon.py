"""Lower bounds on epsilon from the scores of a membership inference attack.

The bounds are those of `error_counts`, at thresholds that are chosen on shadows. A bound is valid only
for guesses that are fixed before the true membership is seen: the best of many thresholds, chosen on
the very scores that it is evaluated on, implies nothing. Trials must be independent: see `one_run` for
bounds that need no independence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from privbench.metrics.error_counts import ErrorCounts
from privbench.metrics.pairs import Bools, Floats, Ints, Pairs, check_scores, check_shapes
from privbench.metrics.threshold import ABOVE_ALL_SCORES
from privbench.metrics.tradeoff import gaussian_epsilon_of

N_CANDIDATES = 200
"""Approximate number of thresholds that are tried on the shadows."""
Bound = Callable[[ErrorCounts], Floats]
"""Returns the lower bound that the errors of a test imply."""


def epsilon_lower_bound(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    *,
    leave_one_out: bool,
    delta: float = 0.0,
    confidence: float = 0.95,
    counted: Bools | None = None,
    gaussian: bool = False,
) -> float:
    """Compute `clopper_pearson` over all (target, record) pairs, at thresholds chosen on shadows.

    For each target, the threshold is the one that gives the largest bound on the shadows. Then the
    decisions about the targets are counted once, by two tests: one calls pairs with large scores
    members, the other calls pairs with small scores non-members. With ``gaussian``, one test computes
    `gdp_bound`, whose two directions are the same.

    The bound treats pairs as independent trials. Where each model's scores come from the other models
    as its shadows they are dependent, and the bound errs more often than its confidence states.
    Without any signal, with 16 models and 400 records, 95% bounds of LiRA were positive in 2% to 8% of
    60 populations (13% of 30 with 64 models and 200 records), and 99.9% bounds in none. For scores
    that only count IN shadows, with 16 models and 300 records, 95% bounds were positive in 40% to 47%
    of 150 populations, and 99.9% bounds in 4% to 16%.

    Args:
        scores: float64 (targets, records), larger = member.
        member: bool (targets, records), the membership of the targets.
        shadow_scores: float64 (shadows, shadow records); these records may differ from the targets'.
        shadow_member: bool (shadows, shadow records).
        leave_one_out: whether shadow i is target i, and is left out when its threshold is chosen.
        delta: the delta of the guarantee, in [0, 1); with ``gaussian`` in (0, 1).
        confidence: the probability with which the bound holds.
        counted: bool (targets, records), the pairs to count, chosen without looking at scores; all by
            default.
        gaussian: whether to compute `gdp_bound`, which assumes a Gaussian trade-off curve.

    Returns:
        The lower bound on epsilon, at least 0.

    Raises:
        ValueError: if the arrays do not fit together, or there is no member or no non-member.
    """
    check_scores(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    counted = np.ones_like(member) if counted is None else counted
    is_in, is_out = member & counted, ~member & counted
    shadows = Pairs.sort(shadow_scores, shadow_member)

    def bound_of_test(bound: Bound, *, mirrored: bool) -> float:
        thresholds = thresholds_of_largest_bound(
            shadows.mirrored() if mirrored else shadows, bound, leave_one_out=leave_one_out
        )
        sides = (-scores, is_out, is_in) if mirrored else (scores, is_in, is_out)
        return float(bound(_counts_at(thresholds, *sides)))

    # Each test needs two rates to hold.
    if gaussian:
        tail = (1 - confidence) / 2
        mu = bound_of_test(lambda counts: counts.mu_bound(tail), mirrored=False)
        return gaussian_epsilon_of(max(mu, 0.0), delta)
    tail = (1 - confidence) / 4  # two tests share the error probability
    of_epsilon = [
        bound_of_test(lambda counts: counts.epsilon_bound(delta, tail), mirrored=mirrored)
        for mirrored in (False, True)
    ]
    return max(*of_epsilon, 0.0)


def _counts_at(thresholds: Floats, scores: Floats, positive: Bools, negative: Bools) -> ErrorCounts:
    """Count the positives (targets, records) that score at least the threshold of their target."""
    called = scores >= thresholds[:, None]
    return ErrorCounts(
        (called & positive).sum(), positive.sum(), (called & negative).sum(), negative.sum()
    )


def thresholds_of_largest_bound(pairs: Pairs, bound: Bound, *, leave_one_out: bool) -> Floats:
    """Return the threshold at which the shadows' pairs imply the largest lower bound.

    One sort serves all models that are left out: the counts of each, and the scores that it alone
    has, are subtracted.

    Args:
        pairs: the sorted pairs of the shadows, with their thresholds.
        bound: returns the bounds of several tests.
        leave_one_out: whether to choose a threshold without each of the shadows.

    Returns:
        float64 (1,), or with ``leave_one_out`` (shadows,), the threshold without each of them;
        `ABOVE_ALL_SCORES` where no threshold implies a positive bound.
    """
    true = np.cumsum(pairs.is_member, dtype=np.int64)[pairs.ends - 1]
    positives = _PositivesByThreshold(pairs.thresholds, true, pairs.ends - true)
    none = np.zeros(0, np.int64)
    if not leave_one_out:
        return np.array([positives.without(none, none, none).best_threshold(bound)])
    index, tie_sizes = pairs.threshold_index().astype(np.int64), np.diff(pairs.ends, prepend=0)
    by_model = np.argsort(pairs.row, kind="stable")  # within a model, the largest score first
    ends = np.cumsum(pairs.members + pairs.nonmembers)
    thresholds = []
    for model_pairs in np.split(by_model, ends[:-1]):
        position, is_member = index[model_pairs], pairs.is_member[model_pairs]
        positions, counts = np.unique(position, return_counts=True)
        removed = positions[counts == tie_sizes[positions]]
        others = positives.without(position[is_member], position[~is_member], removed)
        thresholds.append(others.best_threshold(bound))
    return np.array(thresholds)


@dataclass(frozen=True)
class _PositivesByThreshold:
    """Members (``true``) and non-members (``false``) that score at least each threshold, (tried,).

    Thresholds are sorted, largest first; all pairs pass the last one.
    """

    thresholds: Floats
    true: Ints
    false: Ints

    def without(self, members: Ints, nonmembers: Ints, removed: Ints) -> _PositivesByThreshold:
        """Subtract the pairs of one model, and keep about `N_CANDIDATES` of the thresholds.

        All arguments are sorted positions among the thresholds.

        Args:
            members: the positions of the scores of the model's members.
            nonmembers: the positions of the scores of the model's non-members.
            removed: the positions of scores that no other model has.
        """
        n_left = len(self.thresholds) - len(removed)
        if not n_left:
            return _PositivesByThreshold(self.thresholds[:0], self.true[:0], self.false[:0])
        tried = _candidate_positions(n_left)
        # Position k among those left is k plus the number of removed positions before it.
        tried = tried + np.searchsorted(removed - np.arange(len(removed)), tried, side="right")
        return _PositivesByThreshold(
            self.thresholds[tried],
            self.true[tried] - np.searchsorted(members, tried, side="right"),
            self.false[tried] - np.searchsorted(nonmembers, tried, side="right"),
        )

    def best_threshold(self, bound: Bound) -> float:
        """Return the threshold of the largest bound; `ABOVE_ALL_SCORES` if none is positive."""
        if not (len(self.thresholds) and self.true[-1] and self.false[-1]):
            return ABOVE_ALL_SCORES
        counts = ErrorCounts(self.true, self.true[-1], self.false, self.false[-1])
        bounds = bound(counts)
        best = int(bounds.argmax())
        return float(self.thresholds[best]) if bounds[best] > 0 else ABOVE_ALL_SCORES


def _candidate_positions(n: int) -> Ints:
    """Return positions in 0..n-1: evenly spaced, and denser at both ends, where bounds are largest."""
    even = np.linspace(0, n - 1, N_CANDIDATES // 2).astype(np.int64)
    ends = np.geomspace(1, n, N_CANDIDATES // 4).astype(np.int64) - 1
    return np.unique(np.concatenate([even, ends, n - 1 - ends]))
