"""The audited epsilon of an attack, and whether it agrees with a guarantee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privbench.privacy.guarantees import Guarantee

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_DELTA = 1e-5
"""Delta of an audited epsilon that is compared with no guarantee."""
CONFIDENCE = 0.95
"""Confidence of an audited epsilon."""
VERDICT_CONFIDENCE = 0.9996
"""Confidence of a verdict: the largest of 125 such bounds still holds with 95%."""


def audit_guarantee(
    guarantee: Guarantee | None,
    scores: NDArray[np.float64],
    shadow_scores: NDArray[np.float64],
    member: NDArray[np.bool_],
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return the audited epsilon for replacing one record, and the verdict on a guarantee.

    1. The audited epsilon is a lower bound with ``CONFIDENCE``, at the delta of the guarantee, or at
       ``DEFAULT_DELTA`` if the guarantee gives no finite epsilon for replacing a record.
    2. If the guarantee covers features only, the record is replaced by one with the same label
       (``pairs_of_same_label``).
    3. The verdict is ``refuted`` if a bound with ``VERDICT_CONFIDENCE`` exceeds epsilon, because tables
       show the largest of many bounds; else ``consistent``; None without an epsilon to compare with.

    Args:
        guarantee: What the audit is compared with.
        scores: Scores (models, records) of an attack on each target.
        shadow_scores: The scores (models, records) that thresholds are chosen on.
        member: Membership (models, records) of both.
        labels: Labels (records,).
        rng: Draws the pairs of rule 2.

    Returns:
        ``audited_epsilon`` and ``verdict``, as a row of results stores them.
    """
    from privbench.metrics import epsilon_lower_bound

    terms = None if guarantee is None else guarantee.of_replacing()
    if terms is not None and terms[1] >= 1:  # group privacy may leave nothing of a guarantee
        terms = None
    epsilon, delta = (None, DEFAULT_DELTA) if terms is None else terms
    counted = None
    if guarantee is not None and terms is not None and guarantee.covers == "features":
        counted = pairs_of_same_label(member, labels, rng)

    def bound(confidence: float) -> float:
        return epsilon_lower_bound(
            scores, member, shadow_scores, member,
            leave_one_out=True, delta=delta, confidence=confidence, counted=counted,
        )  # fmt: skip

    verdict = None
    if epsilon is not None:
        verdict = "refuted" if bound(VERDICT_CONFIDENCE) > epsilon else "consistent"
    return {"audited_epsilon": bound(CONFIDENCE), "verdict": verdict}


def pairs_of_same_label(
    member: NDArray[np.bool_], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return pairs (models, records), as many IN as OUT for each label and model, drawn by ``rng``.

    The number of members with a label follows from labels alone, which a guarantee for features does
    not cover. Given these numbers, membership among records with one label is a random draw, so IN
    against OUT on these pairs replaces a record by one with the same label.
    """
    import numpy as np

    counted = np.zeros_like(member)
    order = rng.random(member.shape)
    for label in np.unique(labels):
        same = np.flatnonzero(labels == label)
        inside = member[:, same]
        smaller = np.minimum(inside.sum(1), (~inside).sum(1))[:, None]
        for side in (inside, ~inside):
            rank = np.where(side, order[:, same], np.inf).argsort(1).argsort(1)
            counted[:, same] |= side & (rank < smaller)
    return counted
