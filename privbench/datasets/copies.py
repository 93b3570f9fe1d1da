"""Records that stand in a dataset more than once, and records that belong together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from privbench.data import MAX_REPEATED, Data
from privbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Duplicates: TypeAlias = Literal["keep", "drop", "group"]
DUPLICATES = (
    "records that stand there more than once: keep all of them, drop all but the first, or group them,"
    " so that a model is trained on all copies or on none"
)
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
    if duplicates == "group":
        groups = joined(first, first if data.groups is None else data.groups)
        kept = f"{found}; copies are members together, in {len(np.unique(groups))} groups"
        return replace(data, groups=groups), kept
    if repeated / len(data) <= MAX_REPEATED or _are_grouped(first, data.groups):
        return data, ""
    return data, (
        f"{found} ({int((times > 1).sum())} different). Copies fall into pool, reference and test"
        " records alike, and of two in the pool a model is trained on one and not the other, so that no"
        ' attack can tell them apart, and AUCs are too low. To leave one of each: duplicates = "drop";'
        ' to keep copies together: duplicates = "group"'
    )


def joined(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the finest groups (records,) that keep together what either of two groupings does.

    >>> import numpy as np
    >>> joined(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    nodes = [np.unique(codes, return_inverse=True)[1].reshape(-1) for codes in (first, second)]
    nodes[1] = nodes[1] + nodes[0].max() + 1
    size = int(nodes[1].max()) + 1
    edges = coo_matrix((np.ones(len(first)), nodes), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    return codes_of(component[nodes[0]])


def codes_of(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the number of each value (records,), in the order in which they first occur."""
    import numpy as np
    import pandas as pd

    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def group_codes(values: pd.Series, what: str) -> NDArray[np.int64]:
    """Return the groups of records from what is equal in a group, such as a person's number.

    Raises:
        DataError: a record has none. The message begins with ``what``.
    """
    if missing := int(values.isna().sum()):
        raise DataError(
            f"{what}: {missing} of {len(values)} records have no group; give each record one, or drop"
            " these"
        )
    return codes_of(values.to_numpy())


def _are_grouped(first: NDArray[np.int64], groups: NDArray[np.int64] | None) -> bool:
    """Return whether all copies of each record are in one group."""
    return groups is not None and bool((groups == groups[first]).all())
