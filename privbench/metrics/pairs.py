"""All (model, record) pairs in one sorted order, which every metric here reads.

Sorting is the expensive step, so it is done once. What a curve, a threshold or a bootstrap draw needs
from the scores is their order: which model each pair belongs to, whether it is a member, and where
tied scores begin and end.
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

    ``row`` int32 (pairs,) is the model of each pair and ``is_member`` bool (pairs,) its truth.
    ``ends`` int32 (distinct,) counts the pairs that score at least ``thresholds`` float64
    (distinct,): tied pairs are passed together or not at all. ``members`` and ``nonmembers`` int64
    (models,) count the pairs of each model.
    """

    row: NDArray[np.int32]
    is_member: Bools
    ends: NDArray[np.int32]
    thresholds: Floats
    members: Ints
    nonmembers: Ints

    @classmethod
    def of(cls, scores: Floats, member: Bools) -> Pairs:
        """Check and sort ``scores`` (models, records), larger = member, with the truth ``member``.

        Without ``thresholds``, which take as much memory as the scores. Raises ValueError on what no
        metric is defined for.
        """
        check(scores, member)
        found = cls.sort(scores, member)
        return replace(found, thresholds=found.thresholds[:0].copy())

    @classmethod
    def sort(cls, scores: Floats, member: Bools) -> Pairs:
        """With ``thresholds``, for arrays already checked; members or non-members may be absent."""
        order = np.argsort(scores, axis=None)[::-1]
        is_member = member.reshape(-1)[order]
        row = np.empty(order.size, dtype=np.int32)
        np.floor_divide(order, scores.shape[1], out=row, casting="unsafe")
        ranked = scores.reshape(-1)[order]
        del order
        members = member.sum(axis=1, dtype=np.int64)
        return cls(row, is_member, *_ties(ranked), members, scores.shape[1] - members)

    @classmethod
    def grouped(cls, scores: Floats, member: Bools, group: Ints) -> Pairs:
        """The pairs of one model, (records,) each, with ``group`` 0..k-1 in the place of models.

        Given one model its records are independent, so that groups of them can be resampled.
        """
        check(scores[None], member[None])
        order = np.argsort(scores)[::-1]
        k = int(group.max()) + 1
        row = group[order].astype(np.int32)
        members = np.bincount(group[member], minlength=k)
        nonmembers = np.bincount(group[~member], minlength=k)
        return cls(row, member[order], *_ties(scores[order]), members, nonmembers)

    def mirrored(self) -> Pairs:
        """The pairs of -scores and ~member, without another sort: the smallest score comes first."""
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
        """How many models the pairs come from, or groups of one model's records."""
        return len(self.members)

    def distinct(self) -> NDArray[np.int32]:
        """For each pair (pairs,), the index of its score among ``thresholds``."""
        sizes = np.diff(self.ends, prepend=0)
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _ties(ranked: Floats) -> tuple[NDArray[np.int32], Floats]:
    """``ends`` and ``thresholds`` of scores (pairs,), largest first."""
    last = np.append(ranked[1:] != ranked[:-1], True)
    ends = np.flatnonzero(last).astype(np.int32)  # at most 2**31 pairs: 17 GB of scores
    ends += 1
    return ends, ranked[last]


def check(scores: Floats, member: Bools) -> None:
    """Raise ValueError on scores and membership that no metric is defined for."""
    check_shapes(scores, member)
    if not member.any():
        raise ValueError("member: no pair is a member; the metrics need members and others")
    if member.all():
        raise ValueError("member: every pair is a member; the metrics need members and others")


def check_shapes(scores: Any, member: Any, prefix: str = "") -> None:
    """Raise ValueError unless both are (models, records), the scores finite and the truth bool."""
    names = f"{prefix}scores", f"{prefix}member"
    if np.ndim(scores) != 2:
        raise ValueError(f"{names[0]}: expected 2 axes (models, records), got {np.ndim(scores)}")
    if np.shape(scores) != np.shape(member):
        raise ValueError(
            f"{names[0]} and {names[1]} differ in shape: {np.shape(scores)} and {np.shape(member)}"
        )
    if member.dtype != np.bool_:
        raise ValueError(f"{names[1]}: expected bool, got {member.dtype}")
    bad = int(np.size(scores) - np.isfinite(scores).sum())
    if bad:
        raise ValueError(f"{names[0]}: {bad} of {np.size(scores)} scores are not finite")
