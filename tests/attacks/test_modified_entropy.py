"""Modified entropy: against equation 8 of Song, Mittal 2021, and where probabilities round to one."""

from math import exp, log

import numpy as np
import pytest

from privbench.attacks.modified_entropy import ModifiedEntropy

from .helpers import (
    outputs_of_logits,
    view_of,
)


def xlogx(p, q):
    return 0.0 if p == 0 else p * log(q)


def slow_modified_entropy(probabilities, label):
    """Compute equation 8 of Song, Mittal 2021, term by term."""
    total = -(1 - probabilities[label]) * log(probabilities[label])
    for c, p in enumerate(probabilities):
        if c != label:
            total -= xlogx(p, 1 - p)
    return total


def test_slow_reference(view):
    rows = view.target.probabilities()
    expected = [-slow_modified_entropy(row, y) for row, y in zip(rows, view.labels, strict=True)]
    # The reference takes 1 - p, this takes the sum of the others; float32 rows sum to 1 within 1e-7.
    np.testing.assert_allclose(ModifiedEntropy().score(view), expected, rtol=1e-5)
    assert ModifiedEntropy.per_class_threshold


def test_where_one_minus_p_rounds_to_zero():
    """Logits (60, 0, 0): 1 - p_0 is 2 exp(-60), far below the resolution of p_0."""
    labels = np.array([0, 1])
    target = outputs_of_logits(np.array([[[60.0, 0.0, 0.0]] * 2] * 2))
    scores = ModifiedEntropy().score(view_of(target, labels, np.zeros((2, 2), dtype=bool)))
    rest = exp(-60)
    # Right: (1 - p_y) log p_y ~ (2 rest)(-2 rest), and two terms p_c log(1 - p_c) ~ -rest^2.
    assert scores[0] == pytest.approx(-4 * rest**2 - 2 * rest**2, rel=1e-5)
    # Wrong: (1 - p_y) log p_y ~ -60, and p_0 log(1 - p_0) = log(2 rest) = log 2 - 60.
    assert scores[1] == pytest.approx(-60 + log(2) - 60, rel=1e-6)


def test_the_score_is_largest_for_a_correct_and_confident_prediction():
    logits = np.array([[30.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 30.0, 0.0]])
    models = outputs_of_logits(np.stack([logits, logits]))
    labels = np.zeros(4, dtype=np.int64)
    scores = ModifiedEntropy().score(view_of(models, labels, np.zeros((2, 4), dtype=bool)))
    assert (np.diff(scores) < 0).all()
