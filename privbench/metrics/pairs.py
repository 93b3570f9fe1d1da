"""All (model, record) pairs in one sorted order, from which every metric is computed.

A *pair* is one model and one record of the pool: it has a score and is a member pair if the model was
trained on the record. Sorting is the expensive step, so it is done once. A curve, a threshold or a
bootstrap draw depends on the scores only through their order: which model each pair belongs to,
whether it is a member, and where runs of tied scores begin and end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """The pairs of all models, largest score first.

    Attributes:
        row: int32 (pairs,), the model of each pair.
        is_member: bool (pairs,), whether each pair is a member.
        ends: int32 (distinct,), the number of pairs that score at least each of ``thresholds``.
            Tied pairs pass a threshold together or not at all.
        thresholds: float64 (distinct,), the distinct scores, largest first.
        members: int64 (models,), the number of members among the pairs of each model.
        nonmembers: int64 (models,), the number of non-members among the pairs of each model.
    """

    row: NDArray[np.int32]
    is_member: Bools
    ends: NDArray[np.int32]
    thresholds: Floats
    members: Ints
    nonmembers: Ints

    @classmethod
    def of(cls, scores: Floats, member: Bools) -> Pairs:
        """Check and sort the pairs of a population, without keeping ``thresholds``.

        The thresholds take as much memory as the scores, and no curve needs them.

        Args:
            scores: float64 (models, records), larger = member.
            member: bool (models, records), which records each model was trained on.

        Raises:
            ValueError: if the arrays do not fit together, a score is not finite, or there is no
                member or no non-member.
        """
        check_scores(scores, member)
        pairs = cls.sort(scores, member)
        return replace(pairs, thresholds=pairs.thresholds[:0].copy())

    @classmethod
    def sort(cls, scores: Floats, member: Bools) -> Pairs:
        """Sort pairs that were already checked, and keep ``thresholds``.

        Args:
            scores: float64 (models, records), larger = member.
            member: bool (models, records); members or non-members may be absent.
        """
        order = np.argsort(scores, axis=None)[::-1]
        is_member = member.reshape(-1)[order]
        row = np.empty(order.size, dtype=np.int32)
        np.floor_divide(order, scores.shape[1], out=row, casting="unsafe")
        ranked = scores.reshape(-1)[order]
        del order
        members = member.sum(axis=1, dtype=np.int64)
        return cls(row, is_member, *_tie_ends(ranked), members, scores.shape[1] - members)

    @classmethod
    def grouped(cls, scores: Floats, member: Bools, group: Ints) -> Pairs:
        """Sort the pairs of a single model, with groups of its records in the place of models.

        Given one model, its records are independent, so groups of them can be resampled.

        Args:
            scores: float64 (records,), larger = member.
            member: bool (records,), which records the model was trained on.
            group: int64 (records,), the group of each record, from 0.
        """
        check_scores(scores[None], member[None])
        order = np.argsort(scores)[::-1]
        n_groups = int(group.max()) + 1
        row = group[order].astype(np.int32)
        members = np.bincount(group[member], minlength=n_groups)
        nonmembers = np.bincount(group[~member], minlength=n_groups)
        return cls(row, member[order], *_tie_ends(scores[order]), members, nonmembers)

    def mirrored(self) -> Pairs:
        """Return the pairs of ``-scores`` and ``~member``, smallest score first, without a sort."""
        starts = np.append(np.int32(0), self.ends[:-1])
        return Pairs(
            self.row[::-1],
            ~self.is_member[::-1],
            np.int32(len(self.row)) - starts[::-1],
            -self.thresholds[::-1],
            self.nonmembers,
            self.members,
        )

    @property
    def n_models(self) -> int:
        """Number of models, or of groups of one model's records."""
        return len(self.members)

    def threshold_index(self) -> NDArray[np.int32]:
        """Return the position (pairs,) of each pair's score among ``thresholds``."""
        sizes = np.diff(self.ends, prepend=0)
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _tie_ends(ranked: Floats) -> tuple[NDArray[np.int32], Floats]:
    """Return ``ends`` and ``thresholds`` of scores (pairs,) that are sorted, largest first."""
    last = np.append(ranked[1:] != ranked[:-1], True)
    ends = np.flatnonzero(last).astype(np.int32)  # at most 2**31 pairs: 17 GB of scores
    ends += 1
    return ends, ranked[last]


def check_scores(scores: Floats, member: Bools) -> None:
    """Raise ValueError on scores and membership for which no metric is defined."""
    check_shapes(scores, member)
    if not member.any():
        raise ValueError("member: no pair is a member; metrics need members and non-members")
    if member.all():
        raise ValueError("member: every pair is a member; metrics need members and non-members")


def check_shapes(scores: Any, member: Any, prefix: str = "") -> None:
    """Raise ValueError unless scores are finite, membership is bool, and both (models, records).

    Args:
        scores: the scores to check.
        member: the membership to check.
        prefix: how the names of both arguments begin in the message, for example ``shadow_``.
    """
    names = f"{prefix}scores", f"{prefix}member"
    if np.ndim(scores) != 2:
        raise ValueError(f"{names[0]}: expected 2 axes (models, records), got {np.ndim(scores)}")
    if np.shape(scores) != np.shape(member):
        raise ValueError(
            f"{names[0]} and {names[1]} differ in shape: {np.shape(scores)} and {np.shape(member)}"
        )
    if member.dtype != np.bool_:
        raise ValueError(f"{names[1]}: expected bool, got {member.dtype}")
    n_bad = int(np.size(scores) - np.isfinite(scores).sum())
    if n_bad:
        raise ValueError(f"{names[0]}: {n_bad} of {np.size(scores)} scores are not finite")
