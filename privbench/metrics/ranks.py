"""Ranks with intervals that hold together.

All pairs of K estimates are tested at once, with the correction of Holm 1979 (Scandinavian Journal of
Statistics 6:65), which holds however the tests depend on each other. An estimate's rank is then at
least 1 plus the number of those that are significantly smaller, and at most K less the number of those
that are significantly larger. With 95% confidence this is so for all ranks together, since a wrong rank
needs a wrong rejection (Al Mohamad, Goeman, van Zwet 2022, Biometrics 78:238, with Tukey's test; Klein,
Wright, Wieczorek 2020, Journal of the Royal Statistical Society C 69:589, with a joint region).
"""

from __future__ import annotations

import numpy as np

from privbench.metrics.holm import holm
from privbench.metrics.interval import LEVEL
from privbench.metrics.pairs import Floats


def rank_intervals(differences: Floats, p_values: Floats) -> list[tuple[int, int]]:
    """Return the smallest and the largest rank of each estimate; the smallest estimate has rank 1.

    Args:
        differences: (k, k), estimate i less estimate j.
        p_values: (k, k), symmetric, two-sided p-values of no difference.

    >>> far = np.array([[0, -1, -1], [1, 0, 0.1], [1, -0.1, 0]])
    >>> rank_intervals(far, np.array([[1, 0, 0], [0, 1, 0.5], [0, 0.5, 1]]))
    [(1, 1), (2, 3), (2, 3)]
    """
    k = len(differences)
    differs = np.zeros((k, k), dtype=bool)
    above = np.triu_indices(k, 1)
    differs[above] = holm(p_values[above].tolist(), 1 - LEVEL)
    differs |= differs.T
    smaller = (differs & (differences > 0)).sum(axis=1)
    larger = (differs & (differences < 0)).sum(axis=1)
    return [(1 + int(low), k - int(high)) for low, high in zip(smaller, larger, strict=True)]
