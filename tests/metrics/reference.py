"""Slow, obvious versions of the metrics, straight from their definitions."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta


def auc(scores, member):
    wins = 0.0
    for inside in scores[member]:
        for outside in scores[~member]:
            wins += 1.0 if inside > outside else 0.5 if inside == outside else 0.0
    return wins / (member.sum() * (~member).sum())


def rates(scores, member):
    """Yield (FPR, TPR) at each threshold, including one above all scores."""
    for threshold in [np.inf, *np.unique(scores)[::-1]]:
        positive = scores >= threshold
        yield positive[~member].mean(), positive[member].mean()


def tpr_at_fpr(scores, member, fpr):
    return max(tpr for false, tpr in rates(scores, member) if false <= fpr)


def advantage(scores, member):
    return max(tpr - false for false, tpr in rates(scores, member))


def threshold(scores, member):
    """Return the largest of the best thresholds, infinity if none beats chance."""
    best, largest_best = 0.5, np.inf
    for value in np.unique(scores)[::-1]:
        accuracy = ((scores[member] >= value).mean() + (scores[~member] < value).mean()) / 2
        if accuracy > best + 1e-12:
            best, largest_best = accuracy, value
    return largest_best


def balanced_accuracy(scores, member, shadow_scores, shadow_member, groups):
    positive = np.zeros_like(member)
    for i in range(len(scores)):
        others = np.arange(len(scores)) != i
        shadow, truth = shadow_scores[others], shadow_member[others]
        overall = threshold(shadow, truth)
        for group in np.unique(groups):
            inside = groups == group
            here = truth[:, inside]
            enough = here.any() and not here.all()
            at = threshold(shadow[:, inside], here) if enough else overall
            positive[i, inside] = scores[i, inside] >= at
    return (positive[member].mean() + (~positive[~member]).mean()) / 2


def repeat(scores, member, weights):
    """Return the population in which model i occurs ``weights[i]`` times."""
    times = weights.astype(int)
    return np.repeat(scores, times, axis=0), np.repeat(member, times, axis=0)


def slow_clopper_pearson(tp, n_in, fp, n_out, delta, tail):
    """Compute the bound from the beta quantiles that define the intervals, direction by direction."""
    fpr = beta.ppf(1 - tail, fp + 1, n_out - fp) if fp < n_out else 1.0
    fnr = beta.ppf(1 - tail, n_in - tp + 1, tp) if tp > 0 else 1.0
    candidates = [0.0]
    if 1 - fnr - delta > 0:
        candidates.append(np.log((1 - fnr - delta) / fpr))
    if 1 - fpr - delta > 0:
        candidates.append(np.log((1 - fpr - delta) / fnr))
    return max(candidates)
