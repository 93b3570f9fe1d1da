"""Lower bounds on epsilon that an attack's errors prove.

A mechanism that is (epsilon, delta)-DP bounds how well anybody can tell IN from OUT. So guesses that
are better than chance refute small epsilons, at a confidence of 95% by default. Two bounds:

- `clopper_pearson`: from error counts of a test whose trials are independent. Jagielski, Ullman, Oprea
  2020 (arXiv 2006.07709); Nasr et al. 2021 (arXiv 2101.04535).
- `one_run`: from the number of right guesses about m records that one training run included by
  independent fair coins. Steinke, Nasr, Jagielski 2023 (arXiv 2305.08846), theorem 5.2.

Both want the guesses fixed before the truth is looked at: a threshold chosen on the very scores that
it is evaluated on, the best of many, proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs, check, check_shapes
from privbench.metrics.threshold import NOBODY

LARGEST = 1e3
"""An epsilon beyond which nothing is told apart; the bounds are far below."""
CANDIDATES = 1000
"""Thresholds that are tried on the shadows, about."""
GUESSED = 0.2
"""The share of records that `one_run_bound` guesses about; fixed before any score is seen."""


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
    """`clopper_pearson` of all (target, record) pairs, at thresholds chosen on shadows.

    ``scores`` (targets, records), larger = member, with the truth ``member``; the same of the shadows,
    which may have scored other records. For each target the threshold is the one that proves most on
    the shadows; with ``leave_one_out`` shadow i is target i and is left out for it. Then what was said
    about the targets is counted, once: by a test that accuses, and by one that acquits. ``counted``
    (targets, records), chosen without a look at scores, leaves out the other pairs there.

    The pairs are taken for independent trials. Where each model's scores come from the others as its
    shadows, they are not: what is said of one record hangs together, and the bound errs more often
    than it says. Without any signal, with 16 models and 400 records, 95% bounds of LiRA were positive
    in 2% to 8% of 60 populations (13% of 30 with 64 models and 200 records) and none of 99.9%. Of
    scores that only count IN shadows, with 16 models and 300 records, 40% to 47% of 150 were, and 4%
    to 16% of 99.9%.
    Raises ValueError as the other metrics.
    """
    check(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    # Two tests, each with half of what the bound may err: one accuses, the other acquits.
    tail = (1 - confidence) / 4
    shadows = Pairs.sort(shadow_scores, shadow_member)
    accusing = most_telling(shadows, delta, tail, leave_one_out=leave_one_out)
    acquitting = most_telling(shadows.mirrored(), delta, tail, leave_one_out=leave_one_out)
    counted = np.ones_like(member) if counted is None else counted
    inside, outside = member & counted, ~member & counted
    return max(
        _proven(scores >= accusing[:, None], inside, outside, delta, tail),
        _proven(-scores >= acquitting[:, None], outside, inside, delta, tail),
        0.0,
    )


def _proven(said: Bools, meant: Bools, others: Bools, delta: float, tail: float) -> float:
    """What it proves that pairs were ``said``, of which some are ``meant``; all (targets, records)."""
    counts = _Counts((said & meant).sum(), meant.sum(), (said & others).sum(), others.sum())
    return float(counts.proves(delta, tail))


def most_telling(pairs: Pairs, delta: float, tail: float, *, leave_one_out: bool) -> Floats:
    """The threshold at which the shadows' pairs prove the largest epsilon; `NOBODY` where none does.

    (1,), or with ``leave_one_out`` (shadows,): that of all shadows but one, for each left out. Its
    counts and the scores that it alone has are taken off, so that one sort does for all.
    """
    true = np.cumsum(pairs.is_member, dtype=np.int64)[pairs.ends - 1]
    passed = _Passed(pairs.thresholds, true, pairs.ends - true)
    nothing = np.zeros(0, np.int64)
    if not leave_one_out:
        return np.array([passed.without(nothing, nothing, nothing).best(delta, tail)])
    distinct, sizes = pairs.distinct().astype(np.int64), np.diff(pairs.ends, prepend=0)
    by_model = np.argsort(pairs.row, kind="stable")  # in each model, the largest score first
    ends = np.cumsum(pairs.members + pairs.nonmembers)
    found = []
    for own in np.split(by_model, ends[:-1]):
        value, is_member = distinct[own], pairs.is_member[own]
        values, counts = np.unique(value, return_counts=True)
        gone = values[counts == sizes[values]]
        left = passed.without(value[is_member], value[~is_member], gone)
        found.append(left.best(delta, tail))
    return np.array(found)


@dataclass(frozen=True)
class _Passed:
    """Members and non-members (tried,) that score at least each of ``thresholds`` (tried,).

    The last threshold passes all pairs.
    """

    thresholds: Floats
    true: Ints
    false: Ints

    def without(self, members: Ints, nonmembers: Ints, gone: Ints) -> _Passed:
        """Spread-out thresholds without one model: all three are sorted positions of thresholds.

        Those of its ``members`` and its ``nonmembers``, and those ``gone``, which nobody else has.
        """
        left = len(self.thresholds) - len(gone)
        if not left:
            return _Passed(self.thresholds[:0], self.true[:0], self.false[:0])
        tried = _spread_out(left)
        # The k-th that is left: k, and as many more as are gone before it.
        tried = tried + np.searchsorted(gone - np.arange(len(gone)), tried, side="right")
        return _Passed(
            self.thresholds[tried],
            self.true[tried] - np.searchsorted(members, tried, side="right"),
            self.false[tried] - np.searchsorted(nonmembers, tried, side="right"),
        )

    def best(self, delta: float, tail: float) -> float:
        """The threshold that proves most; `NOBODY` where none proves anything."""
        if not (len(self.thresholds) and self.true[-1] and self.false[-1]):
            return NOBODY
        counts = _Counts(self.true, self.true[-1], self.false, self.false[-1])
        bounds = counts.proves(delta, tail)
        best = int(bounds.argmax())
        return float(self.thresholds[best]) if bounds[best] > 0 else NOBODY


@dataclass(frozen=True)
class _Counts:
    """Right and wrong accusations, of several tests if they are arrays."""

    true_positives: Any
    members: Any
    false_positives: Any
    nonmembers: Any

    def proves(self, delta: float, tail: float) -> Floats:
        """Log((TPR_low - delta) / FPR_high); minus infinity where that is not positive."""
        fnr_high = _rate_at_most(self.members - self.true_positives, self.members, tail)
        fpr_high = _rate_at_most(self.false_positives, self.nonmembers, tail)
        above = 1 - fnr_high - delta
        positive = above > 0
        return np.where(positive, np.log(np.where(positive, above, 1.0) / fpr_high), -np.inf)


def clopper_pearson(
    *,
    true_positives: Floats | int,
    members: int,
    false_positives: Floats | int,
    nonmembers: int,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> Floats:
    """The epsilon that counts of right and wrong accusations prove, at least 0.

    Counts may be arrays, of several tests; each is answered by itself. The rates are replaced by the
    ends of one-sided Clopper-Pearson intervals, half of 1 - ``confidence`` each, so that both hold:

        epsilon >= log((TPR_low - delta) / FPR_high),  log((TNR_low - delta) / FNR_high)

    This assumes that every trial (one record and whether one model was trained on it) is decided
    independently of the others. Records of one model are not quite so, since they share its training:
    take canaries for trials, and many models rather than many records of one.
    """
    tail = (1 - confidence) / 2
    true, false = np.asarray(true_positives), np.asarray(false_positives)
    accusing = _Counts(true, members, false, nonmembers).proves(delta, tail)
    acquitting = _Counts(nonmembers - false, nonmembers, members - true, members).proves(
        delta, tail
    )
    bound: Floats = np.maximum(np.maximum(accusing, acquitting), 0.0)
    return bound


def one_run(
    *, records: int, guesses: int, correct: int, delta: float = 0.0, confidence: float = 0.95
) -> float:
    """The epsilon that ``correct`` of ``guesses`` prove, about ``records`` coins, at least 0.

    Whoever guesses may abstain, so ``guesses`` <= ``records``. The records were included in one
    training run by independent fair coins, and nothing but the run's output was used to guess. Several
    runs count as one whose coins are all of theirs, where each run's guesses use its own output, and at
    most the coins of the runs before it.

    >>> round(one_run(records=500, guesses=100, correct=100, delta=1e-5), 6)
    3.479195
    """
    from scipy.optimize import brentq

    if not 0 <= correct <= guesses <= records:
        raise ValueError(
            f"expected 0 <= correct <= guesses <= records, got {correct}, {guesses}, {records}"
        )
    level = 1 - confidence

    def excess(epsilon: float) -> float:
        return _p_value(epsilon, records, guesses, correct, delta) - level

    if excess(0.0) >= 0:
        return 0.0
    high = 1.0
    while excess(high) < 0:
        high *= 2
        if high > LARGEST:
            return LARGEST
    return float(brentq(excess, 0.0, high, xtol=1e-12))


def one_run_bound(
    scores: Floats,
    member: Bools,
    *,
    rng: np.random.Generator,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """`one_run` of one model's ``scores`` (records,), larger = member, with the truth ``member``.

    A tenth of the records, those with the highest scores, are guessed to be IN, and the tenth with the
    lowest to be OUT; ``rng`` breaks ties, so that the order of the records tells nothing.

    Valid only if each record was included by a fair coin, independent of all others, and the scores know
    nothing of the coins but through the model. A split into training and test set of fixed sizes, or
    of other shares, is no such draw: the bound then proves nothing.
    """
    check(scores[None], member[None])
    each = int(GUESSED * len(scores)) // 2
    mixed = rng.permutation(len(scores))
    ranked = member[mixed[np.argsort(scores[mixed], kind="stable")]]
    correct = int(ranked[len(ranked) - each :].sum()) + int((~ranked[:each]).sum())
    return one_run(
        records=len(scores), guesses=2 * each, correct=correct, delta=delta, confidence=confidence
    )


def _p_value(epsilon: float, records: int, guesses: int, correct: int, delta: float) -> float:
    """At most how likely so many right guesses are under (epsilon, delta)-DP."""
    from scipy.stats import binom

    luck = 1 / (1 + math.exp(-epsilon))  # the most likely that one guess is right
    tail = float(binom.sf(correct - 1, guesses, luck))
    if delta == 0 or correct == 0:
        return tail
    below = np.arange(1, correct + 1)
    mass = np.cumsum(binom.pmf(correct - below, guesses, luck)) / below
    return min(1.0, tail + 2 * records * delta * float(mass.max()))


def _spread_out(n: int) -> Ints:
    """Positions in 0..n-1: even ones, and more at the ends, where few are accused or acquitted."""
    even = np.linspace(0, n - 1, CANDIDATES // 2).astype(np.int64)
    ends = np.geomspace(1, n, CANDIDATES // 4).astype(np.int64) - 1
    return np.unique(np.concatenate([even, ends, n - 1 - ends]))


def _rate_at_most(hits: Any, trials: Any, tail: float) -> Floats:
    """Upper end of the one-sided Clopper-Pearson interval of ``hits`` / ``trials``."""
    from scipy.special import betaincinv

    full = hits >= trials
    inside = np.where(full, 0, hits)
    return np.where(full, 1.0, betaincinv(inside + 1.0, trials - inside, 1 - tail))
