"""Logistic regression of membership on the shadows' outputs, fitted for many targets at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GROUPS = 8
"""Number of groups of targets. More groups need more fits, and fewer iterations after each."""
MAX_ITERATIONS = 200
"""Largest number of iterations; a dozen suffice where an eighth of the shadows is left out."""
TOLERANCE = 1e-11
"""Largest step, relative to the weights, at which the iteration has converged."""
MAX_RESIDUALS = 2**23
"""Number of residuals (rows times targets) to hold in memory at a time."""


def log_odds(
    features: Floats,
    member: Bools,
    target_features: Floats,
    penalty: float,
    *,
    leave_one_out: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Floats:
    """Fit membership to the shadows' features, and predict the log-odds for the targets.

    The regression is convex, so it needs no random numbers. With ``leave_one_out``, targets are
    processed in groups:

    1. Newton's method fits the weights to the shadows outside of the group.
    2. The weights of a target, which also learns from the rest of its group, are close to these, and
       a few iterations reach them.

    So a target's own shadow does not affect its scores, to the last bit.

    Args:
        features: (shadows, n, features), the features to fit.
        member: bool (shadows, n), the membership to predict.
        target_features: (targets, m, features), the features to predict for.
        penalty: L2 penalty of the weights of the standardised features.
        leave_one_out: whether shadow i is target i, and is left out for it.
        progress: called with the number of finished groups and of all groups.

    Returns:
        (targets, m); NaN for a target with only members, or only non-members, to learn from.
    """
    scores = np.full(target_features.shape[:2], np.nan)
    if not member.size:
        return scores
    targets = np.arange(len(target_features))
    groups = [targets]
    if leave_one_out:
        groups = [targets[first::GROUPS] for first in range(min(GROUPS, len(targets)))]
    for done, group in enumerate(groups):
        left_out = np.zeros((len(member), len(group)), dtype=bool)
        if leave_one_out:
            left_out[group, np.arange(len(group))] = True
        scores[group] = _log_odds_of_group(
            features, member, target_features[group], penalty, left_out
        )
        progress(done + 1, len(groups))
    return scores


def _log_odds_of_group(
    features: Floats, member: Bools, target_features: Floats, penalty: float, left_out: Bools
) -> Floats:
    """Compute `log_odds`, where ``left_out`` (shadows, targets) is what each target may not use."""
    common = np.logical_not(left_out.any(axis=1))
    centre, spread = features[common].mean(axis=(0, 1)), features[common].std(axis=(0, 1))
    spread[spread < 1e-6] = 1.0  # a constant feature carries no information, whatever its scale
    x = np.append((features - centre) / spread, np.ones((*member.shape, 1)), axis=2)
    penalties = np.full((len(target_features), x.shape[2]), penalty)
    penalties[:, -1] = 0.0  # the intercept is not penalised
    used = np.logical_not(left_out)
    n_members = member.sum(axis=1)[:, None]  # (shadows, 1)
    any_member = (used & (n_members > 0)).any(axis=0)
    any_nonmember = (used & (n_members < member.shape[1])).any(axis=0)
    fittable = any_member & any_nonmember
    weights = np.full_like(penalties, np.nan)
    if len(target_features) == 1 or not left_out.any():  # all targets learn from the same shadows
        if fittable.all():
            weights[:] = fit(x[common], member[common], penalties[0])
    else:
        done = ~fittable
        common_member = member[common]
        if common_member.any() and not common_member.all():
            weights[fittable] = fit(x[common], common_member, penalties[0])
        # The penalty refers to features standardised by the shadows that the target learns from.
        target_spread = _spreads(x[..., :-1], left_out)
        is_constant = target_spread * spread < 1e-6
        penalties[:, :-1] *= np.where(is_constant, 1 / spread, target_spread) ** 2
        if not np.isnan(weights[fittable]).any():
            done |= _refine(weights, x, member, left_out, penalties, penalty)
        for i in np.flatnonzero(~done):
            weights[i] = fit(x[used[:, i]], member[used[:, i]], penalties[i])
    standardised = (target_features - centre) / spread
    scores: Floats = (standardised @ weights[:, :-1, None])[..., 0] + weights[:, -1:]
    return scores


def _refine(
    weights: Floats, x: Floats, member: Bools, left_out: Bools, penalties: Floats, penalty: float
) -> Bools:
    """Move weights that are close to their optimum to it, in place.

    All targets use the same curvature, that of the rows that all of them learn from.

    Args:
        weights: (targets, features), the weights to refine; NaN for targets that cannot be fitted.
        x: (shadows, n, features), standardised features, the last of which is one.
        member: bool (shadows, n).
        left_out: bool (shadows, targets), the shadows that each target may not use.
        penalties: (targets, features), the penalty of each weight.
        penalty: the penalty of all weights in the common curvature.

    Returns:
        bool (targets,), whether the weights have converged or are NaN.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve
    from scipy.special import expit

    done = np.isnan(weights[:, 0])
    if done.all():
        return done
    common = np.logical_not(left_out.any(axis=1))
    rows = x[common].reshape(-1, x.shape[2])
    p = expit(rows @ weights[~done][0])
    curvature = rows.T @ (rows * (p * (1 - p))[:, None]) * len(x) / common.sum()
    curvature[np.arange(len(curvature) - 1), np.arange(len(curvature) - 1)] += penalty
    try:
        factor = cho_factor(curvature)
    except LinAlgError:
        return np.zeros_like(done)
    size = max(1, MAX_RESIDUALS // (x.shape[1] * len(weights)))  # shadows at a time
    parts = [slice(first, first + size) for first in range(0, len(x), size)]
    for _ in range(MAX_ITERATIONS):
        gradient = penalties * weights
        for part in parts:
            residual = expit(x[part] @ weights.T) - member[part, :, None]  # (shadows, n, targets)
            residual *= ~left_out[part, None]
            gradient += residual.reshape(-1, len(weights)).T @ x[part].reshape(-1, x.shape[2])
        step = cho_solve(factor, gradient.T, check_finite=False).T
        weights -= np.where(done[:, None], 0.0, step)  # each target stops on its own
        done = done | (abs(step).max(1) <= TOLERANCE * np.maximum(abs(weights).max(1), 1))
        if done.all():
            break
    return done


def fit(x: Floats, member: Bools, penalties: Floats) -> Floats:
    """Fit a logistic regression of ``member`` (shadows, n) on ``x`` (shadows, n, features).

    Args:
        x: the features; the last is one, and its weight, the intercept, has no penalty.
        member: bool, with members and non-members.
        penalties: (features,), the L2 penalty of each weight; positive but for the last.

    Returns:
        The weights (features,).
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows, scale = x[..., :-1].reshape(-1, x.shape[2] - 1), np.sqrt(penalties[:-1])
    centre = rows.mean(axis=0)
    # Newton's method with a Cholesky factorisation is fast for few features and many rows.
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)
    with warnings.catch_warnings():
        # Where most rows are alike, as of trees, it may resort to lbfgs, which is as good here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((rows - centre) / scale, member.ravel())
    weights = model.coef_[0] / scale
    return np.append(weights, model.intercept_ - centre @ weights)


def _spreads(x: Floats, left_out: Bools) -> Floats:
    """Return the standard deviations (targets, features) of the rows that each target uses."""
    share = ~left_out.T / (~left_out.T).sum(axis=1, keepdims=True)  # (targets, shadows)
    mean, within = x.mean(axis=1), x.var(axis=1)  # (shadows, features)
    between = np.stack([weight @ (mean - weight @ mean) ** 2 for weight in share])
    spreads: Floats = np.sqrt(share @ within + between)
    return spreads


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS and OpenMP to one thread: fits of milliseconds gain nothing from more."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
