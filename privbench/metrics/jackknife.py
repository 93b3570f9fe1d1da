"""AUCs and differences of AUCs with a jackknife standard error over models.

Each model is left out once; the spread of what remains gives the standard error (Efron 1982, The
Jackknife, chapter 3). Nothing is drawn at random, and two attacks on the same models are compared with
the same models left out, so that what they have in common cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from privbench.metrics.pairs import Floats, Pairs
from privbench.metrics.resample import WeightedAuc


@dataclass(frozen=True)
class Jackknifed:
    """An estimate, its standard error, and the number of models behind both."""

    value: float
    error: float
    n_models: int

    def exceeds(self, limit: float, confidence: float, inflation: float = 1.0) -> bool:
        """Return whether the estimate is above ``limit`` at a one-sided confidence (Student's t).

        Args:
            limit: what the estimate is compared with.
            confidence: such as 0.999.
            inflation: factor by which the standard error is known to be too small.
        """
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.n_models - 1, confidence))
        return self.value - quantile * inflation * self.error > limit


def auc_of(pairs: Pairs) -> Jackknifed:
    """Return the AUC of sorted pairs, as `Roc.auc`, with its error. Needs at least two models."""
    return _jackknife([pairs])


def auc_difference(first: Pairs, second: Pairs) -> Jackknifed:
    """Return the AUC of ``first`` minus that of ``second``, two attacks on the same models."""
    return _jackknife([first, second])


def _jackknife(several: list[Pairs]) -> Jackknifed:
    n = several[0].n_models
    weights = np.ones((n + 1, n))  # the first row leaves nothing out
    weights[1:] -= np.eye(n)
    first, *rest = [WeightedAuc.of(pairs)(weights) for pairs in several]
    values: Floats = first - sum(rest) if rest else first
    left_out = values[1:][np.isfinite(values[1:])]  # NaN where only members or non-members are left
    if len(left_out) < 2:
        return Jackknifed(float(values[0]), math.inf, n)
    error = math.sqrt((len(left_out) - 1) * float(np.var(left_out)))
    return Jackknifed(float(values[0]), error, n)
