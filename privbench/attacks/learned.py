"""What attacks that learn from shadows share: one logistic regression, for many targets at once."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GROUPS = 8
"""Of targets that begin from one fit: more of them cost more fits, and fewer steps after it."""
ITERATIONS = 200
"""Steps at most; where an eighth of the rows is left out, a dozen are enough."""
ENOUGH = 1e-11
"""Largest step, relative to the weights, at which they count as found."""
AT_ONCE = 2**23
"""Residuals in memory: rows times targets."""


def log_odds(
    answers: Floats,
    member: NDArray[np.bool_],
    asked: Floats,
    penalty: float,
    *,
    leave_one_out: bool,
) -> Floats:
    """Learn membership from features, and say the log-odds of others (targets, m).

    ``answers`` (shadows, n, features) with ``member`` (shadows, n) are learned from; ``asked`` is
    (targets, m, features). With ``leave_one_out`` target i does not learn from shadow i. ``penalty`` is
    on the squared weights of the standardised features. Convex, so it needs no random numbers. NaN for
    targets that have members or others only to learn from.

    Targets are taken in groups. The weights are found for the shadows outside of the group, by Newton's
    method; those of a target, which learns from the rest of its group as well, lie close by, and a few
    steps find them. What a target is not to learn from so has no part in its scores, to the last bit.
    """
    scores = np.full(asked.shape[:2], np.nan)
    if not member.size:
        return scores
    features = answers.reshape(-1, answers.shape[-1])
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-6] = 1.0  # a feature that never changes says nothing, whatever its scale
    x = (answers - centre) / spread
    own = np.ones((len(asked), len(spread)))
    if leave_one_out:  # features are standardised by what a target learns from
        own = _spreads_without_own(x)[: len(asked)]
        own = np.where(own * spread < 1e-6, 1 / spread, own)
    penalties = np.append(penalty * own**2, np.zeros((len(asked), 1)), axis=1)
    x = np.append(x, np.ones((*member.shape, 1)), axis=2)

    least = -(-len(asked) * member.size // AT_ONCE)
    groups = max(least, min(GROUPS, len(asked))) if leave_one_out else least
    for group in (np.arange(first, len(asked), groups) for first in range(groups)):
        unused = np.zeros((len(member), len(group)), dtype=bool)
        if leave_one_out:
            unused[group, np.arange(len(group))] = True
        weights = _weights(x, member, penalties[group], unused)
        found = ((asked[group] - centre) / spread) @ weights[:, :-1, None]  # (group, m, 1)
        scores[group] = found[..., 0] + weights[:, -1:]
    return scores


def _weights(
    x: Floats, member: NDArray[np.bool_], penalties: Floats, unused: NDArray[np.bool_]
) -> Floats:
    """Weights (targets, features) of a logistic regression for each of some targets.

    ``x`` is (shadows, n, features) with a last feature of ones, ``penalties`` (targets, features);
    ``unused`` (shadows, targets) says what each of them does not learn from. NaN for a target that has
    members or others only to learn from.
    """
    rows, inside = x.reshape(-1, x.shape[-1]), member.ravel()
    left_out = np.repeat(unused, member.shape[1], axis=0)  # (rows, targets)
    mixed = (~left_out & inside[:, None]).any(0) & (~left_out & ~inside[:, None]).any(0)
    weights = np.full((len(penalties), x.shape[-1]), np.nan)
    common = np.logical_not(left_out.any(axis=1))  # of the rows
    if (~left_out).sum(0).max() == common.sum():  # all targets learn from the same
        if mixed.all():
            weights[:] = _fit(rows, inside, common, penalties[0])
        return weights
    found = ~mixed
    if inside[common].any() and not inside[common].all():
        weights[mixed] = _fit(rows, inside, common, penalties.mean(axis=0))
        found |= _improve(weights, rows, inside, left_out, penalties)
    for i in np.flatnonzero(~found):
        weights[i] = _fit(rows, inside, np.logical_not(left_out[:, i]), penalties[i])
    return weights


def _improve(
    weights: Floats,
    rows: Floats,
    inside: NDArray[np.bool_],
    left_out: NDArray[np.bool_],
    penalties: Floats,
) -> NDArray[np.bool_]:
    """Move weights (targets, features) that are close to the best ones there, in place.

    By the curvature where they are, of the rows that are left out for none. Whether each is found.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve
    from scipy.special import expit

    common = rows[~left_out.any(axis=1)]
    p = expit(common @ weights[~np.isnan(weights[:, 0])][0])
    curvature = common.T @ (common * (p * (1 - p))[:, None]) * len(rows) / len(common)
    found = np.isnan(weights[:, 0])
    try:  # the larger penalty makes smaller steps
        factor = cho_factor(curvature + np.diag(penalties.max(axis=0)))
    except LinAlgError:
        return np.zeros_like(found)
    for _ in range(ITERATIONS):
        residual = np.where(left_out, 0.0, expit(rows @ weights.T) - inside[:, None])
        slope = residual.T @ rows + penalties * weights
        step = cho_solve(factor, slope.T, check_finite=False).T
        weights -= np.where(found[:, None], 0.0, step)  # each target ends by itself
        found = found | (abs(step).max(1) <= ENOUGH * np.maximum(abs(weights).max(1), 1))
        if found.all():
            break
    return found


def _fit(
    rows: Floats, inside: NDArray[np.bool_], used: NDArray[np.bool_], penalties: Floats
) -> Floats:
    """The weights (features,) of a logistic regression; the last feature is one, without a penalty."""
    from sklearn.linear_model import LogisticRegression

    scale = np.sqrt(penalties[:-1])
    x = rows[used, :-1]
    centre = x.mean(axis=0)
    # Newton's method with a Cholesky factor: exact, and fast with few features and many rows.
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)
    model.fit((x - centre) / scale, inside[used])
    weights = model.coef_[0] / scale
    return np.append(weights, model.intercept_ - centre @ weights)


def _spreads_without_own(answers: Floats) -> Floats:
    """Standard deviations (shadows, features) over the rows of all shadows but one."""
    share = (1 - np.eye(len(answers))) / (len(answers) - 1)
    mean, within = answers.mean(axis=1), answers.var(axis=1)  # (shadows, features)
    between = [own @ (mean - own @ mean) ** 2 for own in share]
    spreads: Floats = np.sqrt(share @ within + between)
    return spreads


def one_thread() -> AbstractContextManager[object]:
    """Fits of milliseconds: threads cost more than they give."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
