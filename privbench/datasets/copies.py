"""Records that stand in a dataset more than once."""

from __future__ import annotations

from typing import Literal, TypeAlias

from privbench.data import MAX_REPEATED, Data

Duplicates: TypeAlias = Literal["keep", "drop"]
DUPLICATES = "records that stand there more than once: keep all of them, or drop all but the first"
"""Describes the parameter ``duplicates`` of datasets."""


def without_copies(data: Data, duplicates: Duplicates) -> tuple[Data, str]:
    """Return the records that ``duplicates`` leaves, and what there is to say about copies."""
    import numpy as np

    first = data.first_copies()
    different, times = np.unique(first, return_counts=True)
    repeated = int(times[times > 1].sum())
    if not repeated:
        return data, ""
    found = f"{repeated} of {len(data)} records stand there more than once"
    if duplicates == "drop":
        left = f"{found}; {len(different)} different ones are left"
        return data.take(different), left
    if repeated / len(data) <= MAX_REPEATED:
        return data, ""
    return data, (
        f"{found} ({int((times > 1).sum())} different). Copies fall into pool, reference and test"
        " records alike, and of two in the pool a model is trained on one and not the other, so that no"
        ' attack can tell them apart, and AUCs are too low. To leave one of each: duplicates = "drop"'
    )
