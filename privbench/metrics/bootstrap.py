"""95% confidence intervals of AUC and TPR from a bootstrap over models.

The pairs of one model share its training, so whole models are resampled, conditional on the pool of
records. The methods were chosen by their coverage of the truth (infinitely many models on the same
pool) in simulated populations, in which records differ in difficulty and effect, and models in level
and in how much they leak: tests/metrics/populations.py, with 200 records and an AUC of about 0.5, 0.6,
0.75 and 0.95. The lowest and the highest coverage of the four, 1,000 populations each:

    metric        method                            16 models       64 models
    AUC           bootstrap-t, logit (chosen)       .941 to .967    .946 to .956
    TPR at 1%     bootstrap SE, arcsine (chosen)    .951 to .964    .944 to .957

Other common methods on the same draws, in 500 populations of 16 models each: for the AUC, percentile
.904 to .916 and BCa .912 to .922; for the TPR, percentile .922 to .954, BCa .902 to .920 and
bootstrap-t .914 to .926. Where models differ more in how much they leak (standard deviation 0.3, AUC
0.95), bootstrap-t of the AUC covered .93 and a plain t interval .91.

The intervals assume that models are independent given the pool. An attack that scores each model with
the others as its shadows makes rows dependent. In simulated leave-one-out likelihood ratios (16 and 64
models, 1,000 populations each) without any signal, the true spread of the AUC was 1.4 to 1.5 times the
estimated one, and the intervals covered .79 to .81; at an AUC of 0.8, .92 to .94. `make test-slow`
repeats this (tests/metrics/test_coverage.py). No function of the scores alone can detect it: the attack
would have to be repeated without each model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privbench.metrics.interval import Interval, arcsine_t, bootstrap_error, bootstrap_t
from privbench.metrics.pairs import Bools, Floats, Pairs
from privbench.metrics.resample import WeightedAuc, WeightedTpr
from privbench.metrics.roc import Roc

FPRS = (0.001, 0.01)
DRAWS = 2000


@dataclass(frozen=True)
class Intervals:
    """95% intervals (low, high) of the AUC and of the TPR at each FPR, None where unresolved."""

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
    """Compute 95% intervals of the AUC and of the TPR at each FPR.

    Each interval lies in [0, 1] and includes the estimate. A draw without members or without
    non-members, which needs models that lack them, is left out.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        fprs: the FPRs at which the TPR is estimated.
        draws: number of bootstrap draws, at least 1,000.
        rng: draws the models.

    Raises:
        ValueError: if there are fewer than two models or fewer than 1,000 draws, if an FPR is outside
            [0, 1], and as `Pairs.of`.
    """
    pairs = Pairs.of(scores, member)
    return intervals_of(pairs, Roc.of(pairs), fprs, draws, rng)


def intervals_of(
    pairs: Pairs, roc: Roc, fprs: Sequence[float], draws: int, rng: np.random.Generator
) -> Intervals:
    """Compute `intervals` from sorted pairs and their ROC curve."""
    if pairs.n_models < 2:
        raise ValueError("scores: an interval needs at least 2 models, because it resamples models")
    if draws < 1000:
        raise ValueError(f"draws: expected at least 1000, got {draws}")
    weights = draw_weights(pairs.n_models, draws, rng)
    n_pairs = min(roc.n_members, roc.n_nonmembers)
    estimate, rates = roc.auc, {fpr: roc.tpr_at_fpr(fpr) for fpr in fprs}
    del roc  # as large as the pairs
    auc = _auc_interval(pairs, estimate, weights, n_pairs)
    weighted = WeightedTpr.of(pairs)
    tpr_at_fpr: dict[float, Interval | None] = dict.fromkeys(fprs)
    for fpr, rate in rates.items():
        if rate is not None:
            error = bootstrap_error(weighted(weights, fpr), pairs.n_models)
            tpr_at_fpr[fpr] = arcsine_t(rate, error, pairs.n_models, n_pairs)
    return Intervals(auc, tpr_at_fpr)


def draw_weights(n_models: int, draws: int, rng: np.random.Generator) -> Floats:
    """Draw ``n_models`` models with replacement, and return how often each is drawn.

    Returns:
        float64 (draws, models), whose rows sum to ``n_models``.
    """
    return rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=draws).astype(np.float64)


def _auc_interval(pairs: Pairs, estimate: float, weights: Floats, n_pairs: int) -> Interval:
    weighted = WeightedAuc.of(pairs)
    error = float(weighted.standard_error(np.ones((1, pairs.n_models)))[0])
    draws, errors = weighted(weights), weighted.standard_error(weights)
    return bootstrap_t(estimate, error, draws, errors, pairs.n_models, n_pairs)
