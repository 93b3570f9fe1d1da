"""What attacks that learn from shadows share: one logistic regression."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray


def log_odds(
    answers: NDArray[np.float64],
    member: NDArray[np.bool_],
    asked: NDArray[np.float64],
    penalty: float,
) -> NDArray[np.float64]:
    """Learn membership from features, and say the log-odds of others (n,).

    ``answers`` (shadows, n, features) with ``member`` (shadows, n) are learned from; ``asked`` is
    (n, features). ``penalty`` is on the squared weights of the standardised features. Convex, so it
    needs no random numbers.
    """
    from sklearn.linear_model import LogisticRegression

    features = answers.reshape(-1, answers.shape[-1])
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-6] = 1.0  # a feature that never changes says nothing, whatever its scale
    # Newton's method with a Cholesky factor: exact, and fast with few features and many rows.
    model = LogisticRegression(C=1.0 / penalty, solver="newton-cholesky", tol=1e-8)
    model.fit((features - centre) / spread, member.ravel())
    scores: NDArray[np.float64] = model.decision_function((asked - centre) / spread)
    return scores


def is_mixed(member: NDArray[np.bool_]) -> bool:
    """Whether there are members and others to learn from."""
    return bool(member.any() and not member.all())


def one_thread() -> AbstractContextManager[object]:
    """Fits of milliseconds: threads cost more than they give."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
