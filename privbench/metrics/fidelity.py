"""Fidelity of released records: how close their columns and correlations are to the real ones.

After the column shapes and column pair trends of SDMetrics (DataCebo 2023):

- The fidelity of a column is one minus the Kolmogorov-Smirnov statistic (numbers) or one minus the
  total variation distance (categories).
- The fidelity of a pair of columns is one minus half the absolute difference of their correlations.

Both lie in [0, 1] and are one where the two sets of records are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Records = NDArray[np.floating]

MAX_FEATURES = 500
"""Number of features whose correlations are compared: those of largest variance in the real records."""


def column_fidelity(
    real: Records, synthetic: Records, blocks: Sequence[tuple[int, int]] = ()
) -> Floats:
    """Compute the fidelity of each column.

    Args:
        real: (n, features), the real records.
        synthetic: (m, features), the released records.
        blocks: half-open ranges of features, each of which holds the one-hot categories of a column
            (or their probabilities). A block of one feature is the first of two categories. Every
            feature outside of the blocks is a column of numbers.

    Returns:
        float64 (columns,): first the blocks, then the columns of numbers, in their order.
    """
    shifts = [np.abs(real[:, a:b].mean(0) - synthetic[:, a:b].mean(0)) for a, b in blocks]
    block_fidelity = [1 - (0.5 if len(shift) > 1 else 1.0) * shift.sum() for shift in shifts]
    one_hot = {i for a, b in blocks for i in range(a, b)}
    numbers = [i for i in range(real.shape[1]) if i not in one_hot]
    distances = [_kolmogorov_smirnov(real[:, i], synthetic[:, i]) for i in numbers]
    fidelity: Floats = np.clip(np.array([*block_fidelity, *(1 - d for d in distances)]), 0, 1)
    return fidelity


def _kolmogorov_smirnov(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Compute the largest difference of the empirical distribution functions of two samples."""
    both = np.concatenate([a, b])
    cdfs = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (a, b)]
    return float(np.abs(cdfs[0] - cdfs[1]).max())


def pairwise_fidelity(real: Records, synthetic: Records) -> float:
    """Compute the mean fidelity over pairs of features.

    Only the `MAX_FEATURES` features of largest variance in the real records are compared. A constant
    feature has correlation 0 with every other one.

    Args:
        real: (n, features), the real records.
        synthetic: (m, features), the released records.

    Returns:
        The mean fidelity; 1 if there is only one feature.
    """
    chosen = np.sort(np.argsort(-real.var(0), kind="stable")[:MAX_FEATURES])
    if len(chosen) < 2:
        return 1.0
    upper = np.triu_indices(len(chosen), 1)
    real_pairs, synthetic_pairs = (_correlations(x[:, chosen])[upper] for x in (real, synthetic))
    return float(1 - np.abs(real_pairs - synthetic_pairs).mean() / 2)


def _correlations(x: Records) -> Floats:
    """Compute the Pearson correlations (features, features) of records (n, features)."""
    centred = x.astype(np.float64) - x.mean(0)
    sd = centred.std(0)
    sd = np.where(sd > 1e-9, sd, np.inf)
    correlations: Floats = centred.T @ centred / len(x) / np.outer(sd, sd)
    return correlations
