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
from privbench.metrics.roc import Roc
from privbench.metrics.threshold import NOBODY

LARGEST = 1e3
"""An epsilon beyond which nothing is told apart; the bounds are far below."""
CANDIDATES = 1000
"""Thresholds that are tried on the shadows, about."""


def epsilon_lower_bound(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    *,
    leave_one_out: bool,
    delta: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """`clopper_pearson` of all (target, record) pairs, at thresholds chosen on shadows.

    ``scores`` (targets, records), larger = member, with the truth ``member``; the same of the shadows,
    which may have scored other records. For each target the threshold is the one that proves most on
    the shadows; with ``leave_one_out`` shadow i is target i and is left out for it. Then what was said
    about the targets is counted, once: by a test that accuses, and by one that acquits.

    The pairs are taken for independent trials. Where each model's scores come from the others as its
    shadows, they are slightly less: the bound then errs more often than it says. Raises ValueError as
    the other metrics.
    """
    check(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    # Two tests, each with half of what the bound may err: one accuses, the other acquits.
    tail = (1 - confidence) / 4
    accusing = _tested(scores, member, shadow_scores, shadow_member, leave_one_out, delta, tail)
    acquitting = _tested(
        -scores, ~member, -shadow_scores, ~shadow_member, leave_one_out, delta, tail
    )
    return max(accusing, acquitting, 0.0)


def _tested(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    leave_one_out: bool,
    delta: float,
    tail: float,
) -> float:
    """What accusing at the thresholds that are chosen on the shadows proves."""
    rows = np.arange(len(shadow_scores))
    left_out = range(len(scores)) if leave_one_out else [-1]
    chosen = [
        _most_telling(shadow_scores[rows != i], shadow_member[rows != i], delta, tail)
        for i in left_out
    ]
    said = scores >= np.array(chosen)[:, None]
    counts = _Counts((said & member).sum(), member.sum(), (said & ~member).sum(), (~member).sum())
    return float(counts.proves(delta, tail))


def _most_telling(scores: Floats, member: Bools, delta: float, tail: float) -> float:
    """The threshold at which these scores prove the largest epsilon; `NOBODY` where none proves any."""
    pairs = Pairs.sort(scores, member)
    if not 0 < pairs.members.sum() < member.size:
        return NOBODY
    roc = Roc.of(pairs)
    tried = _spread_out(len(pairs.ends))
    true, false = roc.true_positives[tried], roc.false_positives[tried]
    bounds = _Counts(true, roc.n_members, false, roc.n_nonmembers).proves(delta, tail)
    best = int(bounds.argmax())
    return float(pairs.thresholds[tried[best]]) if bounds[best] > 0 else NOBODY


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
