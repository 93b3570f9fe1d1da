"""Numeric columns on a normal scale and back, by their quantiles (van der Waerden scores)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT = 100
"""Quantiles of each column."""


@dataclass(frozen=True)
class Quantiles:
    """The quantiles (columns, KEPT) of some columns, at probabilities evenly spread over (0, 1)."""

    values: NDArray[np.float32]

    @classmethod
    def fit(cls, columns: NDArray[np.float32]) -> Quantiles:
        """Of records (n, columns)."""
        return cls(np.quantile(columns, _levels(), axis=0).T.astype(np.float32))

    def to_normal(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (n, columns); a value that several quantiles share gets the middle of their levels."""
        from scipy.special import ndtri

        scores = np.empty_like(columns)
        for k, values in enumerate(self.values):
            low = np.interp(columns[:, k], values, _levels())
            high = 1 - np.interp(-columns[:, k], -values[::-1], _levels())
            scores[:, k] = ndtri((low + high) / 2)
        return scores

    def from_normal(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse; scores beyond the outermost quantiles give these."""
        from scipy.special import ndtr

        result = np.empty_like(scores)
        for k, values in enumerate(self.values):
            result[:, k] = np.interp(ndtr(scores[:, k]), _levels(), values)
        return result


def _levels() -> NDArray[np.float64]:
    return (np.arange(KEPT) + 0.5) / KEPT
