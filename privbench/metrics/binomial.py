"""Probabilities of a binomial distribution, without the second that `scipy.stats` takes to import."""

from __future__ import annotations

import numpy as np

from privbench.metrics.pairs import Floats, Ints

PRIVATE = "_binom_pmf"
"""What `scipy.stats.binom.pmf` calls, to the last bit; no public function does, and it may be gone."""


def survival(count: int, trials: int, p: float) -> float:
    """Return the probability of more than ``count`` successes, ``scipy.stats.binom.sf``."""
    if count < 0:
        return 1.0
    if count >= trials:
        return 0.0
    from scipy.special import betainc

    return float(betainc(count + 1, trials - count, p))


def mass(counts: Ints, trials: int, p: float) -> Floats:
    """Return the probability of each number of successes, 0..trials: ``scipy.stats.binom.pmf``."""
    from scipy.special import _ufuncs

    pmf = getattr(_ufuncs, PRIVATE, None)
    if pmf is None:
        from scipy.stats import binom

        pmf = binom.pmf
    probabilities: Floats = np.clip(pmf(counts, trials, p), 0, 1)
    return probabilities
