"""Lower bounds on epsilon implied by the errors of a membership inference attack.

An (epsilon, delta)-DP mechanism limits how well anyone can tell IN from OUT, so errors that are rarer
than this limit refute small values of epsilon, at a stated confidence (95% by default). Trials must be
independent: see `one_run` for bounds that need no independence. Jagielski, Ullman, Oprea 2020 (arXiv
2006.07709); Nasr et al. 2021 (arXiv 2101.04535).

A bound is valid only for guesses that are fixed before the true membership is seen: the best of many
thresholds, chosen on the very scores that it is evaluated on, implies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs, check_scores, check_shapes
from privbench.metrics.threshold import ABOVE_ALL_SCORES

N_CANDIDATES = 1000
"""Approximate number of thresholds that are tried on the shadows."""


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
) -> float:
    """Compute `clopper_pearson` over all (target, record) pairs, at thresholds chosen on shadows.

    For each target, the threshold is the one that gives the largest bound on the shadows. Then the
    decisions about the targets are counted once, by two tests: one calls pairs with large scores
    members, the other calls pairs with small scores non-members.

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
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.
        counted: bool (targets, records), the pairs to count, chosen without looking at scores; all by
            default.

    Returns:
        The lower bound on epsilon, at least 0.

    Raises:
        ValueError: if the arrays do not fit together, or there is no member or no non-member.
    """
    check_scores(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    # Two tests share the error probability, and each needs two rates to hold.
    tail = (1 - confidence) / 4
    shadows = Pairs.sort(shadow_scores, shadow_member)
    for_members = thresholds_of_largest_bound(shadows, delta, tail, leave_one_out=leave_one_out)
    for_nonmembers = thresholds_of_largest_bound(
        shadows.mirrored(), delta, tail, leave_one_out=leave_one_out
    )
    counted = np.ones_like(member) if counted is None else counted
    is_in, is_out = member & counted, ~member & counted
    return max(
        _bound_of_decisions(scores >= for_members[:, None], is_in, is_out, delta, tail),
        _bound_of_decisions(-scores >= for_nonmembers[:, None], is_out, is_in, delta, tail),
        0.0,
    )


def _bound_of_decisions(
    called_positive: Bools, positive: Bools, negative: Bools, delta: float, tail: float
) -> float:
    """Return the lower bound on epsilon implied by true and false positives (targets, records)."""
    counts = _ErrorCounts(
        (called_positive & positive).sum(),
        positive.sum(),
        (called_positive & negative).sum(),
        negative.sum(),
    )
    return float(counts.epsilon_bound(delta, tail))


def thresholds_of_largest_bound(
    pairs: Pairs, delta: float, tail: float, *, leave_one_out: bool
) -> Floats:
    """Return the threshold at which the shadows' pairs imply the largest lower bound on epsilon.

    One sort serves all models that are left out: the counts of each, and the scores that it alone
    has, are subtracted.

    Args:
        pairs: the sorted pairs of the shadows, with their thresholds.
        delta: the delta of the guarantee.
        tail: the error probability of each of the two Clopper-Pearson bounds.
        leave_one_out: whether to choose a threshold without each of the shadows.

    Returns:
        float64 (1,), or with ``leave_one_out`` (shadows,), the threshold without each of them;
        `ABOVE_ALL_SCORES` where no threshold implies a positive bound.
    """
    true = np.cumsum(pairs.is_member, dtype=np.int64)[pairs.ends - 1]
    positives = _PositivesByThreshold(pairs.thresholds, true, pairs.ends - true)
    none = np.zeros(0, np.int64)
    if not leave_one_out:
        return np.array([positives.without(none, none, none).best_threshold(delta, tail)])
    index, tie_sizes = pairs.threshold_index().astype(np.int64), np.diff(pairs.ends, prepend=0)
    by_model = np.argsort(pairs.row, kind="stable")  # within a model, the largest score first
    ends = np.cumsum(pairs.members + pairs.nonmembers)
    thresholds = []
    for model_pairs in np.split(by_model, ends[:-1]):
        position, is_member = index[model_pairs], pairs.is_member[model_pairs]
        positions, counts = np.unique(position, return_counts=True)
        removed = positions[counts == tie_sizes[positions]]
        others = positives.without(position[is_member], position[~is_member], removed)
        thresholds.append(others.best_threshold(delta, tail))
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

    def best_threshold(self, delta: float, tail: float) -> float:
        """Return the threshold of the largest bound; `ABOVE_ALL_SCORES` if none is positive."""
        if not (len(self.thresholds) and self.true[-1] and self.false[-1]):
            return ABOVE_ALL_SCORES
        counts = _ErrorCounts(self.true, self.true[-1], self.false, self.false[-1])
        bounds = counts.epsilon_bound(delta, tail)
        best = int(bounds.argmax())
        return float(self.thresholds[best]) if bounds[best] > 0 else ABOVE_ALL_SCORES


@dataclass(frozen=True)
class _ErrorCounts:
    """True and false positives of one test, or of several where they are arrays."""

    true_positives: Any
    members: Any
    false_positives: Any
    nonmembers: Any

    def epsilon_bound(self, delta: float, tail: float) -> Floats:
        """Return log((TPR_low - delta) / FPR_high), or -inf where TPR_low <= delta."""
        fnr_high = _upper_rate(self.members - self.true_positives, self.members, tail)
        fpr_high = _upper_rate(self.false_positives, self.nonmembers, tail)
        numerator = 1 - fnr_high - delta
        positive = numerator > 0
        return np.where(positive, np.log(np.where(positive, numerator, 1.0) / fpr_high), -np.inf)


def clopper_pearson(
    *,
    true_positives: Floats | int,
    members: int,
    false_positives: Floats | int,
    nonmembers: int,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> Floats:
    """Return the lower bound on epsilon implied by true and false positives.

    The rates are replaced by the ends of one-sided Clopper-Pearson intervals, each with half of the
    error probability 1 - ``confidence``, so that both hold together:

        epsilon >= log((TPR_low - delta) / FPR_high),  log((TNR_low - delta) / FNR_high)

    This assumes that every trial (one record, and whether one model was trained on it) is independent
    of the others. Records of one model are not quite independent, since they share its training: use
    canaries, and many models rather than many records of one.

    Args:
        true_positives: members that were called members; an array for several tests, each of which
            gets a bound of its own.
        members: number of members.
        false_positives: non-members that were called members.
        nonmembers: number of non-members.
        delta: the delta of the guarantee, in [0, 1).
        confidence: the probability with which the bound holds.

    Returns:
        The bound, at least 0, in the shape of the counts.
    """
    tail = (1 - confidence) / 2
    true, false = np.asarray(true_positives), np.asarray(false_positives)
    from_positives = _ErrorCounts(true, members, false, nonmembers)
    from_negatives = _ErrorCounts(nonmembers - false, nonmembers, members - true, members)
    bound: Floats = np.maximum(
        np.maximum(
            from_positives.epsilon_bound(delta, tail), from_negatives.epsilon_bound(delta, tail)
        ),
        0.0,
    )
    return bound


def _candidate_positions(n: int) -> Ints:
    """Return positions in 0..n-1: evenly spaced, and denser at both ends, where bounds are largest."""
    even = np.linspace(0, n - 1, N_CANDIDATES // 2).astype(np.int64)
    ends = np.geomspace(1, n, N_CANDIDATES // 4).astype(np.int64) - 1
    return np.unique(np.concatenate([even, ends, n - 1 - ends]))


def _upper_rate(hits: Any, trials: Any, tail: float) -> Floats:
    """Return the upper end of the one-sided Clopper-Pearson interval of ``hits`` / ``trials``."""
    from scipy.special import betaincinv

    all_hit = hits >= trials
    hits_or_zero = np.where(all_hit, 0, hits)
    return np.where(all_hit, 1.0, betaincinv(hits_or_zero + 1.0, trials - hits_or_zero, 1 - tail))
