"""Ranks of defenses by how exposed they are, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from privbench.metrics.differences import Difference, pooled_differences
from privbench.metrics.ranks import rank_intervals
from privbench.report.differences import Differences
from privbench.report.frontier import RANKED_BY, exposures
from privbench.storage.results import Row

RANK_NOTE = (
    "from the least exposed (1), by the AUC of {} on records; a range where the order is not known;"
    " 95% confidence in all ranks together (paired differences)"
)


def ranks(rows: Sequence[Row], differences: Differences) -> dict[str, tuple[int, int]]:
    """Return the smallest and the largest rank of each defense; the least exposed one has rank 1.

    Exposure is the AUC of the row of `exposures` on records.

    Args:
        rows: rows of one comparable group.
        differences: says how well differences are known.

    Returns:
        The ranks of the defenses that have an AUC. Nothing, if there is one defense, or if it is not
        stored what pairs them.
    """
    strongest = exposures([row for row in rows if row["subset"] == "records"], "auc")
    pairs = list(combinations(range(len(strongest)), 2))
    per_pair: list[list[Difference]] = []
    for first, second in combinations(strongest.values(), 2):
        found = differences.per_seed(first, second, "auc")
        if not found or not all(difference.paired for difference in found):
            return {}
        per_pair.append(found)
    if not pairs:
        return {}
    signed = np.zeros((len(strongest), len(strongest)))
    p_values = np.ones(signed.shape)
    pooled = pooled_differences(per_pair, len(strongest))
    for (i, j), difference in zip(pairs, pooled, strict=True):
        signed[i, j], signed[j, i] = difference.value, -difference.value
        p_values[i, j] = p_values[j, i] = difference.p_value()
    return dict(zip(strongest, rank_intervals(signed, p_values), strict=True))


def rank_text(rank: tuple[int, int] | None) -> str:
    """Return a rank as a cell.

    >>> rank_text((3, 5)), rank_text((2, 2)), rank_text(None)
    ('3-5', '2', '-')
    """
    if rank is None:
        return "-"
    low, high = rank
    return str(low) if low == high else f"{low}-{high}"


def rank_note(rows: Sequence[Row]) -> str:
    """Return what the ranks of these rows are of."""
    attacks = {row["attack"] for row in rows if row["status"] == "ok"}
    return RANK_NOTE.format(RANKED_BY if RANKED_BY in attacks else "the best attack (uncorrected)")
