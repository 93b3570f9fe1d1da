"""Confidence: the probability of the label, with a threshold for each class."""

from math import exp

import numpy as np

from privbench.attacks.confidence import Confidence


def test_scores_are_logarithms_of_the_labels_probability(view):
    rows = view.target.log_probs.astype(float)
    probabilities = [exp(row[y]) for row, y in zip(rows, view.labels, strict=True)]
    np.testing.assert_allclose(np.exp(Confidence().score(view)), probabilities, rtol=1e-5)
    assert Confidence.per_class_threshold
