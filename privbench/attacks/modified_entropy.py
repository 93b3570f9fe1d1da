"""The modified-entropy attack.

Song, Mittal 2021, arXiv 2003.10595, equation 8:

    Mentr(p, y) = -(1 - p_y) log p_y - sum_{c != y} p_c log(1 - p_c)

and the score is minus that. No deviation; log(1 - p_c) is computed from the other classes'
log-probabilities, so that the score stays finite where p_c rounds to one.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, View, log_sum_of_others


class ModifiedEntropy(Attack):
    """Minus the modified entropy, which is zero only for a right and certain prediction."""

    name: ClassVar[str] = "modified-entropy"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    per_class_threshold: ClassVar[bool] = True

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,), at most zero."""
        log_probs = view.target.log_probabilities()
        log_rest = _log_of_complement(log_probs)
        terms = np.exp(log_probs) * log_rest  # p_c log(1 - p_c)
        rows = np.arange(len(log_probs))
        own = view.target.log_prob_of(view.labels)
        terms[rows, view.labels] = np.exp(log_rest[rows, view.labels]) * own  # (1 - p_y) log p_y
        scores: NDArray[np.float64] = terms.sum(axis=-1)
        return scores


def _log_of_complement(log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log(1 - p_c) (n, n_classes)."""
    top = log_probs.argmax(axis=-1)
    rows = np.arange(len(log_probs))
    # Only the most probable class can be near one, where 1 - p cancels: the rest of the classes say it.
    at_most_half = np.minimum(log_probs, np.log(0.5))
    result: NDArray[np.float64] = np.log1p(-np.exp(at_most_half))
    result[rows, top] = log_sum_of_others(log_probs, top)
    return result
