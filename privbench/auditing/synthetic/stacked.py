"""The stacked attack: a logistic regression of the other attacks' scores, learned on shadows alone.

Each shadow is attacked with the others as its shadows, and its membership is known. What is learned
there is applied to the scores of the target.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.learned import log_odds, one_blas_thread

Scores = NDArray[np.float64]
NAME = "stacked"
PENALTY = 10.0


def stacked(
    target: Mapping[str, Scores], shadows: Mapping[str, Scores], member: NDArray[np.bool_]
) -> Scores:
    """Return scores (records,): log-odds of membership.

    Args:
        target: scores (records,) of the target, by attack.
        shadows: scores (shadows, records) of the shadows, by attack; the same attacks.
        member: bool (shadows, records), the membership of the shadows.
    """
    names = sorted(target)
    learned_from = np.stack([_shortened(shadows[name]) for name in names], axis=-1)
    applied_to = np.stack([_shortened(target[name]) for name in names], axis=-1)[None]
    with one_blas_thread():
        found: Scores = log_odds(learned_from, member, applied_to, PENALTY, leave_one_out=False)[0]
    return np.nan_to_num(found)


def _shortened(scores: Scores) -> Scores:
    """Return scores whose tails, which have no bound, are shorter, in units of their spread."""
    centre = np.median(scores)
    spread = np.median(np.abs(scores - centre)) or scores.std() or 1.0
    units = (scores - centre) / spread
    shortened: Scores = np.sign(units) * np.log1p(np.abs(units))
    return shortened
