"""Normal scores of numeric features by their quantiles (van der Waerden scores), and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_QUANTILES = 100
"""Number of quantiles per feature."""


@dataclass(frozen=True)
class Quantiles:
    """Quantiles (features, N_QUANTILES) at probabilities spread evenly over (0, 1)."""

    values: NDArray[np.float32]

    @classmethod
    def fit(cls, features: NDArray[np.float32]) -> Quantiles:
        """Compute the quantiles of records (n, features)."""
        return cls(np.quantile(features, _probabilities(), axis=0).T.astype(np.float32))

    def to_normal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the normal scores (n, features).

        A value that several quantiles share gets the score of the middle of their probabilities.
        """
        from scipy.special import ndtri

        scores = np.empty_like(features)
        for k, values in enumerate(self.values):
            low = np.interp(features[:, k], values, _probabilities())
            high = 1 - np.interp(-features[:, k], -values[::-1], _probabilities())
            scores[:, k] = ndtri((low + high) / 2)
        return scores

    def from_normal(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features (n, features) of normal scores, clipped to the outermost quantiles."""
        from scipy.special import ndtr

        result = np.empty_like(scores)
        for k, values in enumerate(self.values):
            result[:, k] = np.interp(ndtr(scores[:, k]), _probabilities(), values)
        return result


def _probabilities() -> NDArray[np.float64]:
    return (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
