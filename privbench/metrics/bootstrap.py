"""95% confidence intervals of AUC and TPR by resampling models.

The pairs of one model share its training, so models are what is drawn again, whole, conditional on
the pool of records. The methods were chosen by how often the interval holds the truth (infinitely many
models on the same pool) in simulated populations in which records differ in difficulty and effect,
models in level and in how much they leak: tests/metrics/populations.py, 200 records, AUC about 0.5,
0.6, 0.75 and 0.95. The worst and the best of the four, 1,000 populations each:

    what          method                            16 models       64 models
    AUC           bootstrap-t, logit (chosen)       .941 to .967    .946 to .956
    TPR at 1%     bootstrap SE, arcsine (chosen)    .951 to .964    .944 to .957

In 500 populations each of 16 models, on the same draws, the others that are usual: for the AUC
percentile .904 to .916, BCa .912 to .922; for the TPR percentile .922 to .954, BCa .902 to .920,
bootstrap-t .914 to .926. Where models differ more in how much they leak (standard deviation 0.3, AUC
0.95) the AUC's bootstrap-t held .93 and a plain t interval .91.

What the intervals do not know: they take models to be independent given the pool. An attack that
scores each model with the others as its shadows makes rows depend on each other. In simulated
leave-one-out likelihood ratios (16 and 64 models, 1,000 populations each) without any signal
the true spread of the AUC was 1.4 to 1.5 times the estimated one, and the intervals held .79 to .81; at
an AUC of 0.8, .92 to .94. `make test-slow` repeats it (tests/metrics/test_coverage.py). No function of
the scores alone can tell: the attack would have to be repeated without each model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privbench.metrics.interval import Interval, arcsine_t, bootstrap_t
from privbench.metrics.pairs import Bools, Floats, Pairs
from privbench.metrics.resample import WeightedAuc, WeightedTpr
from privbench.metrics.roc import Roc

FPRS = (0.001, 0.01)
DRAWS = 2000


@dataclass(frozen=True)
class Intervals:
    """95% intervals (low, high): of the AUC, and of the TPR at each FPR, None where unresolved."""

    auc: Interval
    tpr_at_fpr: dict[float, Interval | None]


def intervals(
    scores: Floats,
    member: Bools,
    fprs: Sequence[float] = FPRS,
    draws: int = DRAWS,
    *,
    rng: np.random.Generator,
) -> Intervals:
    """Intervals from ``scores`` (models, records), larger = member, and the truth ``member``.

    Each lies in [0, 1] and holds the estimate. A draw without members or without non-members, which
    only models that lack them can bring about, is left out. Raises ValueError on fewer than two
    models, fewer than 1,000 draws, an FPR outside [0, 1], and as `Pairs.of`.
    """
    pairs = Pairs.of(scores, member)
    return intervals_of(pairs, Roc.of(pairs), fprs, draws, rng)


def intervals_of(
    pairs: Pairs, roc: Roc, fprs: Sequence[float], draws: int, rng: np.random.Generator
) -> Intervals:
    """As `intervals`, of pairs already sorted and their curve."""
    if pairs.n_models < 2:
        raise ValueError("scores: an interval needs at least 2 models, for models are resampled")
    if draws < 1000:
        raise ValueError(f"draws: expected at least 1000, got {draws}")
    weights = draw_weights(pairs.n_models, draws, rng)
    n_pairs = min(roc.n_members, roc.n_nonmembers)
    estimate, rates = roc.auc, {fpr: roc.tpr_at_fpr(fpr) for fpr in fprs}
    del roc  # as large as the pairs
    area = _auc(pairs, estimate, weights, n_pairs)
    weighted = WeightedTpr.of(pairs)
    found: dict[float, Interval | None] = dict.fromkeys(fprs)
    for fpr, rate in rates.items():
        if rate is not None:
            found[fpr] = arcsine_t(rate, weighted(weights, fpr), pairs.n_models, n_pairs)
    return Intervals(area, found)


def draw_weights(n_models: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each model is drawn (draws, models): n_models at a time, with replacement."""
    return rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=draws).astype(np.float64)


def _auc(pairs: Pairs, estimate: float, weights: Floats, n_pairs: int) -> Interval:
    weighted = WeightedAuc.of(pairs)
    error = float(weighted.standard_error(np.ones((1, pairs.n_models)))[0])
    drawn, errors = weighted(weights), weighted.standard_error(weights)
    return bootstrap_t(estimate, error, drawn, errors, pairs.n_models, n_pairs)
