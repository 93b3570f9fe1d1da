"""Scores of models that are compared with each other, and that do not use each other's membership.

Each model is the target once and a shadow of the others. For one record, the score of a model with the
record then tends to lie on one side of that of a model without it, whatever the models predict: the two
have different shadows. Minus the number of shadows with the record, which says nothing about the target,
gives every record an AUC of 1. So models are only compared whose scores come from the same shadows, and
none of which is among them: a group of models is left out at a time, and those of a group are compared
with each other. Groups are drawn anew in each round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from privbench.metrics.average_ranks import average_ranks
from privbench.metrics.pairs import Bools, Floats, Ints

N_GROUPS = 4
"""The number of groups, so that three quarters of the models are shadows."""
ROUNDS = 4
"""How often few models are split into groups. More than four hardly make AUCs of records more precise:
most of their spread is that of the models and of the shadows."""
MIN_COMPARED = 30
"""With so many other models in its groups, a model needs no further round."""

ScoreGroup = Callable[[Ints, Ints], Floats]
"""Scores (group, records) of the models of a group, by means of the shadows that are given."""


@dataclass(frozen=True)
class LeftOutScores:
    """Scores in which the models of a group are left out together.

    Attributes:
        scores: float64 (rounds, models, records), larger = member.
        group: int64 (rounds, models), the group of each model; those of one group are compared.
    """

    scores: Floats
    group: Ints

    @classmethod
    def of(cls, score: ScoreGroup, n_models: int, rng: np.random.Generator) -> LeftOutScores:
        """Score the models of each group, in as many rounds as there are too few of them in a group.

        Args:
            score: scores a group, with all other models as shadows.
            n_models: number of models, at least 4: two to compare and two to learn from.
            rng: draws the groups.
        """
        n_groups = min(N_GROUPS, n_models // 2)
        others = n_models // n_groups - 1
        rounds = min(ROUNDS, -(-MIN_COMPARED // others))
        group = np.stack([rng.permutation(np.arange(n_models) % n_groups) for _ in range(rounds)])
        scored = []
        for of_round in group:
            parts = [np.flatnonzero(of_round == g) for g in range(n_groups)]
            scores = [score(part, np.flatnonzero(of_round != g)) for g, part in enumerate(parts)]
            scored.append(np.concatenate(scores)[np.argsort(np.concatenate(parts))])
        return cls(np.stack(scored), group)

    @classmethod
    def without_shadows(cls, scores: Floats) -> LeftOutScores:
        """Return scores (models, records) of an attack without shadows, as one group of all models."""
        return cls(scores[None], np.zeros((1, len(scores)), dtype=np.int64))

    def record_auc(self, member: Bools) -> Floats:
        """Compute the AUC of each record over the pairs of models that are compared, ties counted half.

        Args:
            member: bool (models, records), which records each model was trained on.

        Returns:
            float64 (records,); NaN for a record without any pair of a model with and one without it.
        """
        wins, pairs = np.zeros(member.shape[1]), self.pairs(member)
        for scores, group in zip(self.scores, self.group, strict=True):
            for g in np.unique(group):
                wins += record_wins(scores[group == g], member[group == g])
        nothing = np.full(len(wins), np.nan)
        auc: Floats = np.divide(wins, pairs, out=nothing, where=pairs > 0)
        return auc

    def pairs(self, member: Bools) -> Ints:
        """Count the pairs (records,) of a model with the record and one without it that are compared."""
        total = np.zeros(member.shape[1], dtype=np.int64)
        for group in self.group:
            for g in np.unique(group):
                n_in = member[group == g].sum(axis=0)
                total += n_in * (int((group == g).sum()) - n_in)
        return total

    def calibrated(self, member: Bools) -> Floats:
        """Standardise the scores of each record by those of models without it.

        One threshold then has about the same false positive rate for every record, if a record's scores
        under models without it are normal (Jälkö, Pradhan, Räisä, Honkela 2026, arXiv 2605.25819). A
        target's score is compared with those of other models of its groups, so that its own membership
        has no part in the result. With mean, standard deviation s and number k of these,
        (score - mean) / (s sqrt(1 + 1/k)) follows Student's t with k - 1 degrees of freedom; the result
        is the standard normal quantile of the same probability. Where k < 2 or s = 0, mean or spread
        are those of all records.

        Args:
            member: bool (models, records), which records each model was trained on.

        Returns:
            float64 (models, records), finite.
        """
        calibrated = np.empty(member.shape)
        for target in range(len(member)):
            same = self.group == self.group[:, target, None]
            same[:, target] = False
            rounds, others = np.nonzero(same)
            own = self.scores[:, target].mean(axis=0)
            calibrated[target] = _standardised(own, self.scores[rounds, others], ~member[others])
        return calibrated


def record_wins(scores: Floats, member: Bools) -> Floats:
    """Count, for each record, the pairs of models in which the one with the record scores more.

    Ties count half. Scores and membership are (models, records), and the wins (records,).
    """
    n_in = member.sum(axis=0)
    ranks = average_ranks(scores)
    wins: Floats = np.where(member, ranks, 0.0).sum(axis=0) - n_in * (n_in + 1) / 2
    return wins


def redrawn(member: Bools, rng: np.random.Generator) -> Bools:
    """Draw membership (models, records) anew, of which the models know nothing.

    Each record keeps the number of models that have it.
    """
    return rng.permuted(member, axis=0)


def _standardised(own: Floats, scores: Floats, out: Bools) -> Floats:
    """Return the quantiles (records,) of scores, given others (k, records) and which of them are OUT."""
    from scipy.special import ndtri, stdtr

    count = out.sum(axis=0)
    overall = scores[out] if out.any() else scores.ravel()
    spread = float(overall.std()) or 1.0
    mean = np.divide(
        np.where(out, scores, 0.0).sum(axis=0),
        count,
        out=np.full(len(own), overall.mean()),
        where=count > 0,
    )
    squares = (np.where(out, scores - mean, 0.0) ** 2).sum(axis=0)
    sd = np.sqrt(squares / np.maximum(count - 1, 1))
    known = (count >= 2) & (sd > 1e-9 * spread)
    t = (own - mean) / (np.where(known, sd, spread) * np.sqrt(1 + 1 / np.maximum(count, 1)))
    tail = np.where(known, stdtr(np.maximum(count - 1, 1), -np.abs(t)), 0.0)
    quantile = -np.sign(t) * ndtri(np.maximum(tail, 1e-300))
    result: Floats = np.where(known, quantile, t)
    return result
