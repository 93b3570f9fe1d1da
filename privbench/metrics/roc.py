"""The ROC curve of all pairs pooled, and the metrics that are read off it.

Each model is the target in turn, and the (model, record) pairs of all targets share one threshold, as
in Carlini et al. 2022 (arXiv 2112.03570). A pair is called a member if its score is at least the
threshold, so tied pairs are always called alike.

    >>> import numpy as np
    >>> scores = np.array([[0.9, 0.8, 0.3], [0.7, 0.2, 0.1]])
    >>> member = np.array([[True, False, False], [True, True, False]])
    >>> round(auc(scores, member), 4)
    0.6667
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs

BLOCK = 2**16
"""Number of points that are converted to 64-bit integers at a time, to bound memory."""


@dataclass(frozen=True)
class Roc:
    """An empirical ROC curve, as counts at each distinct score, largest first.

    Attributes:
        true_positives: int32 (distinct,), the members that score at least each distinct score.
        false_positives: int32 (distinct,), the non-members that do.
    """

    true_positives: NDArray[np.int32]
    false_positives: NDArray[np.int32]

    @classmethod
    def of(cls, pairs: Pairs) -> Roc:
        """Build the curve of sorted pairs."""
        true_positives = np.cumsum(pairs.is_member, dtype=np.int32)[pairs.ends - 1]
        return cls(true_positives, pairs.ends - true_positives)

    @property
    def n_members(self) -> int:
        """Number of member pairs."""
        return int(self.true_positives[-1])

    @property
    def n_nonmembers(self) -> int:
        """Number of non-member pairs."""
        return int(self.false_positives[-1])

    @property
    def resolution(self) -> float:
        """Smallest false positive rate above 0: one over the number of non-members."""
        return 1.0 / self.n_nonmembers

    @property
    def auc(self) -> float:
        """Area under the curve: P(member > non-member) + P(tie) / 2 (Mann-Whitney)."""
        # Twice the area, as a whole number, so that nothing is rounded before the division.
        doubled = true_before = false_before = 0
        for start in range(0, len(self.true_positives), BLOCK):
            true = self.true_positives[start : start + BLOCK].astype(np.int64)
            false = self.false_positives[start : start + BLOCK].astype(np.int64)
            new_true = np.diff(true, prepend=true_before)
            new_false = np.diff(false, prepend=false_before)
            doubled += int(new_false @ (2 * true - new_true))
            true_before, false_before = int(true[-1]), int(false[-1])
        return doubled / (2 * self.n_members * self.n_nonmembers)

    @property
    def advantage(self) -> float:
        """Largest TPR - FPR over all thresholds, at least 0 (Yeom et al. 2018, arXiv 1709.01604)."""
        gap = self.true_positives / self.n_members - self.false_positives / self.n_nonmembers
        return max(0.0, float(gap.max()))

    def tpr_at_fpr(self, fpr: float) -> float | None:
        """Return the largest TPR with FPR <= ``fpr``, without interpolation.

        Returns:
            The TPR, or None if ``fpr`` < ``resolution``: then no non-member may pass, and the TPR
            would depend on the single highest score of a non-member.

        Raises:
            ValueError: unless 0 <= ``fpr`` <= 1.
        """
        check_fpr(fpr)
        allowed = allowed_false_positives(fpr, self.n_nonmembers)
        if allowed == 0:
            return None
        passed = int(np.searchsorted(self.false_positives, allowed, side="right"))
        return float(self.true_positives[passed - 1] / self.n_members) if passed else 0.0


@overload
def allowed_false_positives(fpr: float, n_nonmembers: int) -> int: ...
@overload
def allowed_false_positives(fpr: float, n_nonmembers: Ints) -> Ints: ...
def allowed_false_positives(fpr: float, n_nonmembers: int | Ints) -> int | Ints:
    """Return the largest number of false positives with FPR <= ``fpr`` in float arithmetic.

    It is not floor(fpr * n): 0.29 * 100 rounds to less than 29, although 29 / 100 is 0.29.

    Args:
        fpr: the false positive rate, in [0, 1].
        n_nonmembers: number of non-members, at least 1; an array for several populations.
    """
    n = np.asarray(n_nonmembers)
    count = np.floor(fpr * n).astype(np.int64)
    count = count + ((count + 1) / n <= fpr)
    count = count - (count / n > fpr)
    return int(count) if count.ndim == 0 else count


def check_fpr(fpr: float) -> None:
    """Raise ValueError unless ``fpr`` lies in [0, 1]."""
    if not 0.0 <= fpr <= 1.0:
        raise ValueError(f"fpr: expected a rate between 0 and 1, got {fpr}")


def auc(scores: Floats, member: Bools) -> float:
    """Compute the AUC over all pairs pooled, ties counted half (Mann-Whitney).

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.

    Raises:
        ValueError: as `Pairs.of`.
    """
    return Roc.of(Pairs.of(scores, member)).auc


def tpr_at_fpr(scores: Floats, member: Bools, fpr: float) -> float | None:
    """Return the largest TPR with FPR <= ``fpr`` over all pairs pooled; None where unresolved.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        fpr: the false positive rate, in [0, 1].

    Raises:
        ValueError: as `Pairs.of`, and if ``fpr`` is outside [0, 1].
    """
    return Roc.of(Pairs.of(scores, member)).tpr_at_fpr(fpr)


def advantage(scores: Floats, member: Bools) -> float:
    """Return the largest TPR - FPR over all thresholds, over all pairs pooled.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.

    Raises:
        ValueError: as `Pairs.of`.
    """
    return Roc.of(Pairs.of(scores, member)).advantage
