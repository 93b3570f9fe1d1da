"""The modified-entropy attack.

Song, Mittal 2021, arXiv 2003.10595, equation 8:

    Mentr(p, y) = -(1 - p_y) log p_y - sum_{c != y} p_c log(1 - p_c)

The score is minus the modified entropy, with one threshold per class that is chosen on shadows. No
deviation. log(1 - p_c) is computed from the log-probabilities of the other classes, so that it stays
finite where p_c rounds to one.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, View
from privbench.attacks.outputs import Outputs, log_sum_of_others


class ModifiedEntropy(Attack):
    """Minus the modified entropy, which uses the label.

    The modified entropy is zero only for a correct prediction with probability one.
    """

    name: ClassVar[str] = "modified-entropy"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    per_class_threshold: ClassVar[bool] = True

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), at most zero, in nats."""
        return minus_modified_entropy(view.target, view.labels)


def minus_modified_entropy(outputs: Outputs, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return minus the modified entropy (n,) of one model's outputs, in nats."""
    log_probs = outputs.log_probabilities()
    log_rest = _log_complement(log_probs)
    terms = np.exp(log_probs) * log_rest  # p_c log(1 - p_c)
    rows = np.arange(len(log_probs))
    log_p_y = outputs.log_prob_of(labels)
    terms[rows, labels] = np.exp(log_rest[rows, labels]) * log_p_y
    scores: NDArray[np.float64] = terms.sum(axis=-1)
    return scores


def _log_complement(log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(1 - p_c) (n, n_classes)."""
    top = log_probs.argmax(axis=-1)
    rows = np.arange(len(log_probs))
    # 1 - p loses digits only near one, where only the most probable class can be: it is recomputed.
    at_most_half = np.minimum(log_probs, np.log(0.5))
    result: NDArray[np.float64] = np.log1p(-np.exp(at_most_half))
    result[rows, top] = log_sum_of_others(log_probs, top)
    return result
