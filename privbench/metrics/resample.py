"""AUC and TPR of a population in which each model has a weight.

A bootstrap draw over models, a jackknife that leaves one out, and the population itself differ only in
the weight of each model. Both statistics are computed here for many weight vectors (draws, models) at
once, without a sort or a pass over the pairs for each draw.
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

    Attributes:
        wins: float64 (models, models), the number of comparisons in which a member of the row's model
            scores above a non-member of the column's model, ties counted half.
        members: float64 (models,), the number of members of each model.
        nonmembers: float64 (models,), the number of non-members of each model.
    """

    wins: Floats
    members: Floats
    nonmembers: Floats

    @classmethod
    def of(cls, pairs: Pairs) -> WeightedAuc:
        """Count the wins between all models, in one pass over the pairs per model."""
        tie = pairs.threshold_index()[pairs.is_member]
        start, end = np.append(np.int32(0), pairs.ends[:-1])[tie], pairs.ends[tie]
        del tie
        model = pairs.row[pairs.is_member]
        wins = np.empty((pairs.n_models, pairs.n_models))
        nonmembers_before = np.zeros(len(pairs.row) + 1, dtype=np.int32)
        for j in range(pairs.n_models):
            # The number of non-members of model j among the first 0, 1, ... pairs.
            is_nonmember = (pairs.row == j) & ~pairs.is_member
            np.cumsum(is_nonmember, dtype=np.int32, out=nonmembers_before[1:])
            losses = np.zeros(pairs.n_models)
            for first in range(0, len(model), BLOCK):
                part = slice(first, first + BLOCK)
                # Twice the losses, as exact whole numbers: non-members above, plus those above or tied.
                doubled = nonmembers_before[start[part]] + nonmembers_before[end[part]]
                losses += np.bincount(model[part], doubled, minlength=pairs.n_models)
            wins[:, j] = pairs.members * pairs.nonmembers[j] - losses / 2
        return cls(wins, pairs.members.astype(np.float64), pairs.nonmembers.astype(np.float64))

    def __call__(self, weights: Floats) -> Floats:
        """Compute the AUC under each weight vector.

        Args:
            weights: float64 (draws, models).

        Returns:
            float64 (draws,); NaN where members or non-members have no weight.
        """
        weighted_wins: Floats = ((weights @ self.wins) * weights).sum(axis=1)
        return _ratio(weighted_wins, (weights @ self.members) * (weights @ self.nonmembers))

    def standard_error(self, weights: Floats) -> Floats:
        """Compute the infinitesimal-jackknife standard error of the AUC under each weight vector.

        The influence of a model is the derivative of the AUC with respect to the model's share. The
        variance is the mean squared influence over (models - 1) (Efron 1982, The Jackknife,
        chapter 6); for rows that are clusters of pairs, it is the estimate of Obuchowski 1997
        (Biometrics 53:567).

        Args:
            weights: float64 (draws, models).

        Returns:
            float64 (draws,); NaN where members or non-members have no weight.
        """
        n_models = weights.shape[1]
        share = weights / n_models
        members, nonmembers = share @ self.members, share @ self.nonmembers
        pairs = members * nonmembers
        defined = np.where(pairs > 0, 1.0, np.nan)[:, None]
        members, nonmembers, pairs = (np.where(x > 0, x, 1.0) for x in (members, nonmembers, pairs))
        auc = self(weights)[:, None]
        wins = (share @ self.wins + share @ self.wins.T) / pairs[:, None]
        size = self.members / members[:, None] + self.nonmembers / nonmembers[:, None]
        influence = (wins - auc * size) * defined
        variance: Floats = (share * influence**2).sum(axis=1) / (n_models - 1)
        return np.sqrt(variance)


@dataclass(frozen=True)
class WeightedTpr:
    """The TPR at a bound on the FPR, found in two steps: the block of pairs, then the pair in it.

    Attributes:
        pairs: the sorted pairs.
        members_before: float64 (blocks + 1, models), the members of each model before each block.
        nonmembers_before: float64 (blocks + 1, models), the same for non-members.
        row: int32 (blocks, size), the model of each pair.
        is_member: int8 (blocks, size), 1 for a member, 0 for a non-member, -1 for padding.
    """

    pairs: Pairs
    members_before: Floats
    nonmembers_before: Floats
    row: NDArray[np.int32]
    is_member: NDArray[np.int8]

    @classmethod
    def of(cls, pairs: Pairs) -> WeightedTpr:
        """Cut the sorted pairs into blocks, and count the pairs of each model before each block."""
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
        """Compute the largest TPR with FPR <= ``fpr`` under each weight vector.

        Args:
            weights: float64 (draws, models), whole numbers.
            fpr: the largest false positive rate allowed, in [0, 1].

        Returns:
            float64 (draws,); NaN where members or non-members have no weight.
        """
        step = max(64, self.pairs.row.size // (8 * max(self.row.shape)))
        parts = [
            self._tpr_of_some(weights[first : first + step], fpr)
            for first in range(0, len(weights), step)
        ]
        return np.concatenate(parts)

    def _tpr_of_some(self, weights: Floats, fpr: float) -> Floats:
        """Compute the TPR of so few draws that a block of weights for each fits in memory."""
        members, nonmembers = weights @ self.pairs.members, weights @ self.pairs.nonmembers
        allowed = allowed_false_positives(fpr, np.maximum(nonmembers, 1).astype(np.int64))
        end = self._n_passing(weights, allowed[:, None])
        block, offset = np.divmod(end, self.row.shape[1])
        before = np.einsum("dm,dm->d", weights, self.members_before[block])
        block = np.minimum(block, len(self.row) - 1)
        inside = self._weights_in(weights, block, 1)
        inside[np.arange(self.row.shape[1]) >= offset[:, None]] = 0
        return _ratio(np.where(nonmembers > 0, before + inside.sum(axis=1), np.nan), members)

    def _n_passing(self, weights: Floats, allowed: Ints) -> Ints:
        """Return how many pairs (draws,) pass if at most ``allowed`` (draws, 1) non-members may."""
        before = weights @ self.nonmembers_before[:-1].T
        block = (before <= allowed).sum(axis=1) - 1
        start = np.take_along_axis(before, block[:, None], axis=1)
        false = start + np.cumsum(self._weights_in(weights, block, 0), axis=1)
        passing = block * self.row.shape[1] + (false <= allowed).sum(axis=1)
        # Go back to the end of a run of ties: tied pairs pass together or not at all.
        ends = self.pairs.ends
        complete = np.searchsorted(ends, passing, side="right")
        return np.where(complete > 0, ends[complete - 1], 0)

    def _weights_in(self, weights: Floats, block: Ints, kind: int) -> Floats:
        """Return the weights (draws, size) of the members (1) or non-members (0) in a block.

        ``block`` (draws,) is the block of each draw; every other pair in it has weight 0.
        """
        inside: Floats = np.take_along_axis(weights, self.row[block], axis=1)
        inside[self.is_member[block] != kind] = 0
        return inside


def _counts_before(cell: NDArray[np.int32], chosen: Bools, blocks: int, n_models: int) -> Floats:
    """Count the chosen pairs of each model before each block.

    Args:
        cell: (pairs,), block * ``n_models`` + model of each pair.
        chosen: (pairs,), which pairs to count.
        blocks: number of blocks.
        n_models: number of models.

    Returns:
        float64 (blocks + 1, models).
    """
    counts = np.zeros(blocks * n_models, dtype=np.int64)
    for first in range(0, len(cell), BLOCK):
        part = slice(first, first + BLOCK)
        cells = cell[part][chosen[part]]
        if len(cells):  # cells ascend by block, so that a part of them spans a short range
            low = int(cells.min())
            counted = np.bincount(cells - low)
            counts[low : low + len(counted)] += counted
    before = np.zeros((blocks + 1, n_models))
    np.cumsum(counts.reshape(blocks, n_models), axis=0, out=before[1:])
    return before


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where ``denominator`` is 0."""
    ratio: Floats = np.divide(
        numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0
    )
    return ratio
