"""What attacks that learn from shadows share: one logistic regression, for many targets at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GROUPS = 8
"""How many groups of targets there are: more of them cost more fits, and fewer steps after each."""
ITERATIONS = 200
"""Steps at most; where an eighth of the rows is left out, a dozen are enough."""
ENOUGH = 1e-11
"""Largest step, relative to the weights, at which they count as found."""
AT_ONCE = 2**23
"""Residuals in memory: rows times targets."""


def log_odds(
    answers: Floats,
    member: Bools,
    asked: Floats,
    penalty: float,
    *,
    leave_one_out: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Floats:
    """Learn membership from features, and say the log-odds of others (targets, m).

    ``answers`` (shadows, n, features) with ``member`` (shadows, n) are learned from; ``asked`` is
    (targets, m, features). With ``leave_one_out`` target i does not learn from shadow i. ``penalty`` is
    on the squared weights of the standardised features. Convex, so it needs no random numbers. NaN for
    targets that have only members, or only others, to learn from.

    Targets are taken in groups. The weights are found for the shadows outside of the group, by Newton's
    method; those of a target, which learns from the rest of its group as well, lie close by, and a few
    steps find them. What a target is not to learn from so has no part in its scores, to the last bit.
    """
    scores = np.full(asked.shape[:2], np.nan)
    if not member.size:
        return scores
    targets = np.arange(len(asked))
    groups = [targets]
    if leave_one_out:
        groups = [targets[first::GROUPS] for first in range(min(GROUPS, len(targets)))]
    for done, group in enumerate(groups):
        unused = np.zeros((len(member), len(group)), dtype=bool)
        if leave_one_out:
            unused[group, np.arange(len(group))] = True
        scores[group] = _of_group(answers, member, asked[group], penalty, unused)
        progress(done + 1, len(groups))
    return scores


def _of_group(
    answers: Floats, member: Bools, asked: Floats, penalty: float, unused: Bools
) -> Floats:
    """As ``log_odds``; ``unused`` (shadows, targets) says what each target does not learn from."""
    common = np.logical_not(unused.any(axis=1))
    centre, spread = answers[common].mean(axis=(0, 1)), answers[common].std(axis=(0, 1))
    spread[spread < 1e-6] = 1.0  # a feature that never changes says nothing, whatever its scale
    x = np.append((answers - centre) / spread, np.ones((*member.shape, 1)), axis=2)
    penalties = np.full((len(asked), x.shape[2]), penalty)
    penalties[:, -1] = 0.0  # of the intercept
    used = np.logical_not(unused)
    inside = member.sum(axis=1)[:, None]  # (shadows, 1)
    mixed = (used & (inside > 0)).any(axis=0) & (used & (inside < member.shape[1])).any(axis=0)
    weights = np.full_like(penalties, np.nan)
    if len(asked) == 1 or not unused.any():  # all learn from the same
        if mixed.all():
            weights[:] = _fit(x[common], member[common], penalties[0])
    else:
        found = ~mixed
        known = member[common]
        if known.any() and not known.all():
            weights[mixed] = _fit(x[common], known, penalties[0])
        # features are standardised by what a target learns from
        own = _spreads(x[..., :-1], unused)
        penalties[:, :-1] *= np.where(own * spread < 1e-6, 1 / spread, own) ** 2
        if not np.isnan(weights[mixed]).any():
            found |= _improve(weights, x, member, unused, penalties, penalty)
        for i in np.flatnonzero(~found):
            weights[i] = _fit(x[used[:, i]], member[used[:, i]], penalties[i])
    scores: Floats = (((asked - centre) / spread) @ weights[:, :-1, None])[..., 0] + weights[:, -1:]
    return scores


def _improve(
    weights: Floats, x: Floats, member: Bools, unused: Bools, penalties: Floats, penalty: float
) -> Bools:
    """Move weights (targets, features) that lie close to the best ones there, in place.

    By the curvature where they are, of the rows that all learn from. Whether each is found.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve
    from scipy.special import expit

    found = np.isnan(weights[:, 0])
    if found.all():
        return found
    common = np.logical_not(unused.any(axis=1))
    rows = x[common].reshape(-1, x.shape[2])
    p = expit(rows @ weights[~found][0])
    curvature = rows.T @ (rows * (p * (1 - p))[:, None]) * len(x) / common.sum()
    curvature[np.arange(len(curvature) - 1), np.arange(len(curvature) - 1)] += penalty
    try:
        factor = cho_factor(curvature)
    except LinAlgError:
        return np.zeros_like(found)
    size = max(1, AT_ONCE // (x.shape[1] * len(weights)))  # shadows at once
    parts = [slice(first, first + size) for first in range(0, len(x), size)]
    for _ in range(ITERATIONS):
        slope = penalties * weights
        for part in parts:
            residual = expit(x[part] @ weights.T) - member[part, :, None]  # (shadows, n, targets)
            residual *= ~unused[part, None]
            slope += residual.reshape(-1, len(weights)).T @ x[part].reshape(-1, x.shape[2])
        step = cho_solve(factor, slope.T, check_finite=False).T
        weights -= np.where(found[:, None], 0.0, step)  # each target ends by itself
        found = found | (abs(step).max(1) <= ENOUGH * np.maximum(abs(weights).max(1), 1))
        if found.all():
            break
    return found


def _fit(x: Floats, member: Bools, penalties: Floats) -> Floats:
    """Weights (features,) of a logistic regression on ``x`` (shadows, n, features).

    The last feature is one, and its weight has no penalty.
    """
    from sklearn.linear_model import LogisticRegression

    rows, scale = x[..., :-1].reshape(-1, x.shape[2] - 1), np.sqrt(penalties[:-1])
    centre = rows.mean(axis=0)
    # Newton's method with a Cholesky factor: exact, and fast with few features and many rows.
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)
    model.fit((rows - centre) / scale, member.ravel())
    weights = model.coef_[0] / scale
    return np.append(weights, model.intercept_ - centre @ weights)


def _spreads(x: Floats, unused: Bools) -> Floats:
    """Standard deviations (targets, features) of the rows that each target learns from."""
    share = ~unused.T / (~unused.T).sum(axis=1, keepdims=True)  # (targets, shadows)
    mean, within = x.mean(axis=1), x.var(axis=1)  # (shadows, features)
    between = np.stack([own @ (mean - own @ mean) ** 2 for own in share])
    spreads: Floats = np.sqrt(share @ within + between)
    return spreads


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS and OpenMP to one thread: fits of milliseconds gain nothing from more."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
