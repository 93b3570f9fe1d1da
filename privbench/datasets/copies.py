"""Records that stand in a dataset more than once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data

Duplicates: TypeAlias = Literal["keep", "drop"]
DUPLICATES = "records that stand there more than once: keep all of them, or drop all but the first"
"""Describes the parameter ``duplicates`` of datasets."""
MAX_REPEATED = 0.01
"""Largest share of records with copies that raises no warning."""


def first_copies(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each record (n,) the index of the first one with the same ``x`` and ``y``."""
    import numpy as np

    rows = np.ascontiguousarray(x).reshape(len(x), -1)
    found: dict[bytes, int] = {}
    labels = np.ascontiguousarray(y).reshape(len(y), -1)
    digests = (
        hashlib.blake2b(row.tobytes() + label.tobytes(), digest_size=16).digest()
        for row, label in zip(rows, labels, strict=True)
    )
    return np.array([found.setdefault(digest, i) for i, digest in enumerate(digests)], np.int64)


def without_copies(data: Data, duplicates: Duplicates) -> tuple[Data, str]:
    """Return the records that ``duplicates`` leaves, and what there is to say about copies."""
    import numpy as np

    first = first_copies(data.x, data.y)
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
