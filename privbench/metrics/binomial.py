"""Probabilities of a binomial distribution, without the second that `scipy.stats` takes to import."""

from __future__ import annotations

from typing import Any

import numpy as np

from privbench.metrics.pairs import Floats, Ints

PRIVATE = "_binom_"
"""How the names of scipy's own functions begin, which another version may lack."""


def survival(count: int, trials: int, p: float) -> float:
    """Return the probability of more than ``count`` successes, ``scipy.stats.binom.sf``."""
    if count < 0:
        return 1.0
    if count >= trials:
        return 0.0
    return float(np.clip(_function("sf")(count, trials, p), 0, 1))


def mass(counts: Ints, trials: int, p: float) -> Floats:
    """Return the probability of each number of successes, 0..trials: ``scipy.stats.binom.pmf``."""
    probabilities: Floats = np.clip(_function("pmf")(counts, trials, p), 0, 1)
    return probabilities


def _function(name: str) -> Any:
    """Return a function of `scipy.stats.binom`, or what it calls itself."""
    from scipy.special import _ufuncs

    found = getattr(_ufuncs, PRIVATE + name, None)
    if found is None:
        from scipy.stats import binom

        return getattr(binom, name)
    return found
