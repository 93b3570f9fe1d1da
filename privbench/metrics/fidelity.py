"""How close released records are to the real ones, column by column and pair by pair.

After the column shapes and column pair trends of SDMetrics (DataCebo 2023): a column's fidelity is one
minus the Kolmogorov-Smirnov statistic (numbers) or the total variation distance (categories); a pair's
is one minus half the difference of the correlations. Both lie in [0, 1], and are one where the sets
are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Records = NDArray[np.floating]

MOST = 500
"""Features whose pairs are compared: those that vary most in the real records."""


def column_fidelity(
    real: Records, synthetic: Records, blocks: Sequence[tuple[int, int]] = ()
) -> Floats:
    """The fidelity of each column of records (n, features), (m, features).

    ``blocks`` are half-open ranges of features that hold the shares of a column's categories, a single
    one that of the first of two; every other feature is a column of numbers. First the blocks, then the
    numbers, in their order.
    """
    shifts = [np.abs(real[:, a:b].mean(0) - synthetic[:, a:b].mean(0)) for a, b in blocks]
    of_blocks = [1 - (0.5 if len(shift) > 1 else 1.0) * shift.sum() for shift in shifts]
    one_hot = {i for a, b in blocks for i in range(a, b)}
    numbers = [i for i in range(real.shape[1]) if i not in one_hot]
    distances = [_kolmogorov_smirnov(real[:, i], synthetic[:, i]) for i in numbers]
    found: Floats = np.clip(np.array([*of_blocks, *(1 - d for d in distances)]), 0, 1)
    return found


def _kolmogorov_smirnov(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The largest difference of the empirical distribution functions."""
    both = np.concatenate([a, b])
    ranks = [np.searchsorted(np.sort(one), both, side="right") / len(one) for one in (a, b)]
    return float(np.abs(ranks[0] - ranks[1]).max())


def pairwise_fidelity(real: Records, synthetic: Records) -> float:
    """The mean fidelity over pairs of features; constant features correlate with nothing.

    Of the ``MOST`` features that vary most in the real records; 1 if there is only one.
    """
    chosen = np.sort(np.argsort(-real.var(0), kind="stable")[:MOST])
    if len(chosen) < 2:
        return 1.0
    upper = np.triu_indices(len(chosen), 1)
    one, other = (_correlations(x[:, chosen])[upper] for x in (real, synthetic))
    return float(1 - np.abs(one - other).mean() / 2)


def _correlations(x: Records) -> Floats:
    """Pearson's, (features, features) of records (n, features)."""
    centred = x.astype(np.float64) - x.mean(0)
    sd = centred.std(0)
    sd = np.where(sd > 1e-9, sd, np.inf)
    found: Floats = centred.T @ centred / len(x) / np.outer(sd, sd)
    return found
