"""Entropy: against its definition, and at its bounds."""

from math import exp, log

import numpy as np

from privbench.attacks.entropy import Entropy

from .helpers import (
    outputs_of_logits,
    view_of,
)


def test_slow_reference(view):
    rows = view.target.log_probs.astype(float)
    expected = [sum(exp(value) * value for value in row) for row in rows]
    np.testing.assert_allclose(Entropy().score(view), expected, rtol=1e-5)
    assert Entropy.per_class_threshold


def test_the_bounds():
    """Uniform probabilities score minus log n_classes; logits (60, 0, 0) have -2 exp(-60) (60 + 1)."""
    target = outputs_of_logits(np.array([[[0.0, 0.0, 0.0], [60.0, 0.0, 0.0]]] * 2))
    scores = Entropy().score(view_of(target, np.array([0, 0]), np.zeros((2, 2), dtype=bool)))
    np.testing.assert_allclose(scores, [-log(3), -2 * exp(-60) * 61], rtol=1e-6)


def test_the_label_is_ignored(view):
    relabelled = view.__class__(**{**vars(view), "labels": (view.labels + 1) % 5})
    np.testing.assert_array_equal(Entropy().score(relabelled), Entropy().score(view))
