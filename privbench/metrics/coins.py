"""The fair coins in the membership of one population, and guesses about them.

A one-run audit (`privbench.metrics.one_run`) counts right guesses about independent fair coins.
Membership holds them in two ways:

- `of_records`: each record is a member by a coin of its own. This is how canaries are drawn.
- `of_pairs`: where a fixed number of records is drawn, records are paired without a look at membership.
  Of the pairs with exactly one member, which of the two it is, is an independent fair coin, given
  everything else: all sets of the same size are equally likely, and to swap the two keeps the size.

Either coin decides whether one record is replaced by another, if training sets have a fixed size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product, starmap
from typing import Literal

import numpy as np

from privbench.metrics.one_run import GUESSED_FRACTION, Coins, epsilon_bound
from privbench.metrics.pairs import Bools, Floats, Ints


@dataclass(frozen=True)
class Flips:
    """The coins of each model, and how they fell.

    Attributes:
        first: int64 (coins,), the record that is a member if a coin shows heads.
        second: int64 (coins,), the record that is a member if it shows tails; None if no record is.
        tossed: bool (models, coins), which coins were tossed for a model.
        heads: bool (models, coins), whether a coin that was tossed shows heads.
        one_score: whether the score of ``first`` alone is looked at.
    """

    first: Ints
    second: Ints | None
    tossed: Bools
    heads: Bools
    one_score: bool = False

    def by_first(self) -> Flips:
        """Return the same coins, guessed by the score of the first record alone."""
        return replace(self, one_score=True)

    def of(self, models: Bools) -> Flips:
        """Return the coins of some models (models,)."""
        return replace(self, tossed=self.tossed[models], heads=self.heads[models])

    def compare(self, scores: Floats) -> Floats:
        """Return the score (models, coins) for heads, of scores (models, records) for membership."""
        for_heads: Floats = scores[:, self.first]
        if self.second is None or self.one_score:
            return for_heads
        return for_heads - scores[:, self.second]

    def records_of_tossed(self, n_records: int) -> Bools:
        """Return which records (models, n_records) belong to coins that were tossed."""
        belong = np.zeros((len(self.tossed), n_records), dtype=bool)
        for records in (self.first, self.second):
            if records is not None:
                belong[:, records] |= self.tossed
        return belong


def of_records(member: Bools) -> Flips:
    """Return the coins of records (models, records) that are members by independent fair coins."""
    return Flips(np.arange(member.shape[1]), None, np.ones_like(member), member)


def of_pairs(member: Bools, rng: np.random.Generator, groups: Ints | None = None) -> Flips:
    """Return the coins of random disjoint pairs of records, of which exactly one is a member.

    Args:
        member: bool (models, records), independent rows, each drawn uniformly from the sets of its size.
            Records by independent fair coins will do as well.
        rng: draws the pairs.
        groups: int64 (records,), such as labels; both records of a pair have the same. By default any
            two records may be a pair.

    Returns:
        At most half as many coins as records, of which about half are tossed.
    """
    groups = np.zeros(member.shape[1], dtype=np.int64) if groups is None else groups
    shuffled = rng.permutation(member.shape[1])
    pairs = []
    for group in np.unique(groups):
        records = shuffled[groups[shuffled] == group]
        pairs.append(records[: len(records) // 2 * 2].reshape(-1, 2))
    first, second = np.concatenate([np.zeros((0, 2), np.int64), *pairs]).T
    return Flips(first, second, member[:, first] != member[:, second], member[:, first])


@dataclass(frozen=True)
class Share:
    """Which of the coins are guessed about.

    Attributes:
        fraction: how many of the coins, in [0, 1].
        side: whether these have the largest scores (``in``), the smallest (``out``), or half of them
            each (``both``).
    """

    fraction: float = GUESSED_FRACTION
    side: Literal["both", "in", "out"] = "both"

    def of(self, n_coins: int) -> tuple[int, int]:
        """Return how many coins are guessed to be tails, and how many to be heads."""
        each = int(self.fraction * n_coins) // 2
        return {"both": (each, each), "in": (0, 2 * each), "out": (2 * each, 0)}[self.side]


FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
"""The fractions that `choose_share` tries."""
MARGIN = 0.5
"""By how much another share must be better than the usual one, in epsilon. The best of many bounds on
few coins is better by chance, and little is lost by the usual share where nothing is much better."""


def choose_share(flips: Flips, scores: Floats, delta: float, confidence: float = 0.95) -> Share:
    """Choose the share that would give the largest `epsilon_bound` for coins that are known.

    A bound for other coins with this share is valid if these are independent of all that is given here:
    then the number of guesses is fixed, given the choice. Guesses about one side only are tried for
    coins of records; the sides of a pair are alike.

    Args:
        flips: coins that are known, such as those of shadows; there may be none.
        scores: float64 (models, records), larger = member.
        delta: that of the bound.
        confidence: that of the bound.

    Returns:
        The share; the usual one, `GUESSED_FRACTION`, unless another is better by more than `MARGIN`.
    """

    def bound(share: Share) -> float:
        coins = guess(flips, scores, np.random.default_rng(0), share)
        return epsilon_bound(coins, delta, confidence)

    usual = Share()
    if not flips.tossed.any():
        return usual
    sides: tuple[Literal["both", "in", "out"], ...]
    sides = ("both", "in", "out") if flips.second is None else ("both",)
    bounds = {share: bound(share) for share in starmap(Share, product(FRACTIONS, sides))}
    best = max(bounds, key=bounds.__getitem__)
    return best if bounds[best] > bounds[usual] + MARGIN else usual


def guess(
    flips: Flips, scores: Floats, rng: np.random.Generator, share: Share | None = None
) -> Coins:
    """Guess heads for the coins with the largest scores, and tails for those with the smallest.

    How many are guessed must not depend on these scores. All models count as one run, whose output is
    that of all of them: so scores of a model may depend on outputs of the others, not on their coins. If
    each model has a single coin, see `guess_in_turn`.

    Args:
        flips: the coins.
        scores: float64 (models, records), larger = member.
        rng: breaks ties, so that the order of the records reveals nothing.
        share: how many, `GUESSED_FRACTION` by default.

    Returns:
        The counts of the run.
    """
    if flips.tossed.shape[1] == 1 and flips.tossed.all():
        return guess_in_turn(flips.compare(scores)[:, 0], flips.heads[:, 0])
    values, heads = flips.compare(scores)[flips.tossed], flips.heads[flips.tossed]
    shuffled = rng.permutation(len(values))
    ranked = heads[shuffled[np.argsort(values[shuffled], kind="stable")]]
    n_tails, n_heads = (share or Share()).of(len(ranked))
    correct = (~ranked[:n_tails]).sum() + ranked[len(ranked) - n_heads :].sum()
    return Coins(*np.array([[len(ranked)], [n_tails + n_heads], [correct]]))


def guess_in_turn(values: Floats, heads: Bools) -> Coins:
    """Guess the single coin of each model: heads if its value is above the median of models before it.

    Each model is a run of its own. Its guess depends on its output and on those of models before it, so
    that it is correct with a probability that the mechanism bounds, whatever happened before. No coin
    is left out: outputs must not decide which guesses count.

    Args:
        values: float64 (models,), larger = heads.
        heads: bool (models,).

    Returns:
        The counts of a run per model. The first model, with none before it, is left out.
    """
    medians = np.array([np.median(values[:i]) for i in range(1, len(values))])
    correct = (values[1:] > medians) == heads[1:]
    ones = np.ones(len(correct), dtype=np.int64)
    return Coins(ones, ones, correct.astype(np.int64))
