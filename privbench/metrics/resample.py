"""AUC and TPR of populations in which each model counts a given number of times.

A bootstrap draw over models, a jackknife that leaves one out, and the population itself differ only
in the weight of each model. So both statistics are computed here for many weight vectors (draws,
models) at once, without a sort or a pass over the pairs for each draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs
from privbench.metrics.roc import BLOCK, allowed_false_positives


@dataclass(frozen=True)
class WeightedAuc:
    """The pooled AUC as a ratio of quadratic forms in the models' weights.

    ``wins`` float64 (models, models): in how many pairs a member of the row's model scores above a
    non-member of the column's model, ties counted half.
    """

    wins: Floats
    members: Floats
    nonmembers: Floats

    @classmethod
    def of(cls, pairs: Pairs) -> WeightedAuc:
        """Count the wins between all models: one pass over the pairs for each model."""
        tie = pairs.distinct()[pairs.is_member]
        start, end = np.append(np.int32(0), pairs.ends[:-1])[tie], pairs.ends[tie]
        del tie
        model = pairs.row[pairs.is_member]
        wins = np.empty((pairs.n_models, pairs.n_models))
        passed = np.zeros(len(pairs.row) + 1, dtype=np.int32)
        for j in range(pairs.n_models):
            # Non-members of model j among the first pairs.
            np.cumsum((pairs.row == j) & ~pairs.is_member, dtype=np.int32, out=passed[1:])
            lost = np.zeros(pairs.n_models)
            for first in range(0, len(model), BLOCK):
                part = slice(first, first + BLOCK)
                # Twice the losses: non-members above plus those above or tied. Whole numbers: exact.
                doubled = passed[start[part]] + passed[end[part]]
                lost += np.bincount(model[part], doubled, minlength=pairs.n_models)
            wins[:, j] = pairs.members * pairs.nonmembers[j] - lost / 2
        return cls(wins, pairs.members.astype(np.float64), pairs.nonmembers.astype(np.float64))

    def __call__(self, weights: Floats) -> Floats:
        """AUC (draws,) under ``weights`` (draws, models); NaN where members or others weigh 0."""
        won: Floats = ((weights @ self.wins) * weights).sum(axis=1)
        return _ratio(won, (weights @ self.members) * (weights @ self.nonmembers))

    def standard_error(self, weights: Floats) -> Floats:
        """Infinitesimal-jackknife standard error (draws,) of the AUC under ``weights``.

        The influence of a model is the derivative of the AUC with respect to its share; the variance is
        their mean square over the models - 1 (Efron 1982, The Jackknife, ch. 6). For rows that are
        clusters of pairs it is the estimate of Obuchowski 1997 (Biometrics 53:567). NaN as the AUC.
        """
        n_models = weights.shape[1]
        share = weights / n_models
        members, nonmembers = share @ self.members, share @ self.nonmembers
        pairs = members * nonmembers
        inside = np.where(pairs > 0, 1.0, np.nan)[:, None]
        members, nonmembers, pairs = (np.where(x > 0, x, 1.0) for x in (members, nonmembers, pairs))
        auc = self(weights)[:, None]
        won = (share @ self.wins + share @ self.wins.T) / pairs[:, None]
        size = self.members / members[:, None] + self.nonmembers / nonmembers[:, None]
        influence = (won - auc * size) * inside
        variance: Floats = (share * influence**2).sum(axis=1) / (n_models - 1)
        return np.sqrt(variance)


@dataclass(frozen=True)
class WeightedTpr:
    """The TPR at a bound on the FPR, found in two steps: which block of pairs, then where in it.

    ``members_before`` and ``nonmembers_before`` float64 (blocks + 1, models) count the pairs of each
    model before each block; ``row`` int32 and ``is_member`` int8 (blocks, size) are the pairs, padded
    by pairs that are neither (``is_member`` = -1).
    """

    pairs: Pairs
    members_before: Floats
    nonmembers_before: Floats
    row: NDArray[np.int32]
    is_member: NDArray[np.int8]

    @classmethod
    def of(cls, pairs: Pairs) -> WeightedTpr:
        """Cut the sorted pairs into blocks and count the models in each."""
        size = max(128, 8 * pairs.n_models)
        blocks = -(-pairs.row.size // size)
        padding = blocks * size - pairs.row.size
        row = np.pad(pairs.row, (0, padding))
        is_member = np.pad(pairs.is_member.astype(np.int8), (0, padding), constant_values=-1)
        cell = np.repeat(np.arange(blocks, dtype=np.int32) * np.int32(pairs.n_models), size)
        cell += row
        return cls(
            pairs,
            _counts_before(cell, is_member == 1, blocks, pairs.n_models),
            _counts_before(cell, is_member == 0, blocks, pairs.n_models),
            row.reshape(blocks, size),
            is_member.reshape(blocks, size),
        )

    def __call__(self, weights: Floats, fpr: float) -> Floats:
        """Largest TPR (draws,) with FPR <= ``fpr`` under whole ``weights`` (draws, models).

        NaN where members or non-members weigh nothing.
        """
        step = max(1, self.pairs.row.size // (8 * max(self.row.shape)))
        parts = [
            self._chunk(weights[first : first + step], fpr)
            for first in range(0, len(weights), step)
        ]
        return np.concatenate(parts)

    def _chunk(self, weights: Floats, fpr: float) -> Floats:
        members, nonmembers = weights @ self.pairs.members, weights @ self.pairs.nonmembers
        allowed = allowed_false_positives(fpr, np.maximum(nonmembers, 1).astype(np.int64))
        end = self._end(weights, allowed[:, None])
        block, offset = np.divmod(end, self.row.shape[1])
        before = np.einsum("dm,dm->d", weights, self.members_before[block])
        block = np.minimum(block, len(self.row) - 1)
        inside = self._weights_in(weights, block, 1)
        inside[np.arange(self.row.shape[1]) >= offset[:, None]] = 0
        return _ratio(np.where(nonmembers > 0, before + inside.sum(axis=1), np.nan), members)

    def _end(self, weights: Floats, allowed: Ints) -> Ints:
        """How many pairs pass (draws,) when ``allowed`` (draws, 1) non-members may."""
        before = weights @ self.nonmembers_before[:-1].T
        block = (before <= allowed).sum(axis=1) - 1
        start = np.take_along_axis(before, block[:, None], axis=1)
        false = start + np.cumsum(self._weights_in(weights, block, 0), axis=1)
        passed = block * self.row.shape[1] + (false <= allowed).sum(axis=1)
        # Back to where a run of ties ends: a tie passes as a whole or not at all.
        ends = self.pairs.ends
        complete = np.searchsorted(ends, passed, side="right")
        return np.where(complete > 0, ends[complete - 1], 0)

    def _weights_in(self, weights: Floats, block: Ints, kind: int) -> Floats:
        """Weights (draws, size) of the members (1) or non-members (0) in one block a draw."""
        inside: Floats = np.take_along_axis(weights, self.row[block], axis=1)
        inside[self.is_member[block] != kind] = 0
        return inside


def _counts_before(cell: NDArray[np.int32], chosen: Bools, blocks: int, n_models: int) -> Floats:
    """How many chosen pairs each model has before each block, (blocks + 1, models), from their cells."""
    counts = np.zeros(blocks * n_models, dtype=np.int64)
    for first in range(0, len(cell), BLOCK):
        part = slice(first, first + BLOCK)
        here = cell[part][chosen[part]]
        if len(here):  # cells ascend but for the models within a block
            low = int(here.min())
            found = np.bincount(here - low)
            counts[low : low + len(found)] += found
    before = np.zeros((blocks + 1, n_models))
    np.cumsum(counts.reshape(blocks, n_models), axis=0, out=before[1:])
    return before


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part`` / ``whole``, NaN where ``whole`` is 0."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
