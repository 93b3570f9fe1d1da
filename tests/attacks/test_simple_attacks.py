"""Attacks that need the target's answers only, against loops written from their formulas."""

from fractions import Fraction
from math import exp, log

import numpy as np
import pytest

from privbench.attacks.base import Outputs
from privbench.attacks.confidence import Confidence
from privbench.attacks.entropy import Entropy
from privbench.attacks.gap import Gap
from privbench.attacks.loss import Loss
from privbench.attacks.modified_entropy import ModifiedEntropy

from .helpers import answers, auc, random_population, view_of


@pytest.fixture
def view():
    return view_of(*random_population())


def xlogx(p, q):
    return 0.0 if p == 0 else p * log(q)


def slow_modified_entropy(probabilities, label):
    """Equation 8 of Song, Mittal 2021, term by term."""
    total = -(1 - probabilities[label]) * log(probabilities[label])
    for c, p in enumerate(probabilities):
        if c != label:
            total -= xlogx(p, 1 - p)
    return total


def test_gap_is_the_accuracy(view):
    expected = [float(p == y) for p, y in zip(view.target.predicted, view.labels, strict=True)]
    assert Gap().score(view).tolist() == expected


def test_gap_needs_no_probabilities(view):
    blind = Outputs(view.target.predicted, None)
    scores = Gap().score(view.__class__(**{**vars(view), "target": blind}))
    np.testing.assert_array_equal(scores, Gap().score(view))
    assert Gap.observes == "labels"


def test_probabilities_cannot_be_read_where_only_labels_are_observed(view):
    with pytest.raises(TypeError, match="observes"):
        Outputs(view.target.predicted, None).log_prob_of(view.labels)


def test_gaps_auc_is_a_half_plus_half_the_accuracy_gap():
    models, labels, member = random_population()
    scores = Gap().score(view_of(models, labels, member))
    gap = scores[member[0]].mean() - scores[~member[0]].mean()
    assert auc(scores, member[0]) == pytest.approx(0.5 + gap / 2)


def test_loss_reference(view):
    rows = view.target.log_probs.astype(float)
    expected = [log(exp(row[y])) for row, y in zip(rows, view.labels, strict=True)]
    np.testing.assert_allclose(Loss().score(view), expected, rtol=1e-5)


def test_loss_tells_certain_answers_apart():
    """Logits (40, 0) and (60, 0): both log-probabilities round to zero in float32."""
    models = answers(np.array([[[40.0, 0.0], [60.0, 0.0]]] * 2))
    assert (models.log_probs[0, :, 0] == 0).all()
    scores = Loss().score(view_of(models, np.array([0, 0]), np.zeros((2, 2), dtype=bool)))
    np.testing.assert_allclose(scores, [-exp(-40), -exp(-60)], rtol=1e-5)


def test_confidence_orders_records_as_the_probability_of_the_label_does(view):
    rows = view.target.log_probs.astype(float)
    probabilities = [exp(row[y]) for row, y in zip(rows, view.labels, strict=True)]
    np.testing.assert_allclose(np.exp(Confidence().score(view)), probabilities, rtol=1e-5)
    assert Confidence.per_class_threshold


def test_entropy_reference(view):
    rows = view.target.log_probs.astype(float)
    expected = [sum(exp(value) * value for value in row) for row in rows]
    np.testing.assert_allclose(Entropy().score(view), expected, rtol=1e-5)
    assert Entropy.per_class_threshold


def test_entropy_between_its_bounds():
    """An even answer has minus log n_classes; logits (60, 0, 0) have -2 exp(-60) (60 + 1)."""
    target = answers(np.array([[[0.0, 0.0, 0.0], [60.0, 0.0, 0.0]]] * 2))
    scores = Entropy().score(view_of(target, np.array([0, 0]), np.zeros((2, 2), dtype=bool)))
    np.testing.assert_allclose(scores, [-log(3), -2 * exp(-60) * 61], rtol=1e-6)


def test_entropy_does_not_look_at_the_label(view):
    other = view.__class__(**{**vars(view), "labels": (view.labels + 1) % 5})
    np.testing.assert_array_equal(Entropy().score(other), Entropy().score(view))


def test_modified_entropy_reference(view):
    rows = view.target.probabilities()
    expected = [-slow_modified_entropy(row, y) for row, y in zip(rows, view.labels, strict=True)]
    # The reference takes 1 - p, this takes the sum of the others; float32 rows sum to 1 within 1e-7.
    np.testing.assert_allclose(ModifiedEntropy().score(view), expected, rtol=1e-5)
    assert ModifiedEntropy.per_class_threshold


def test_modified_entropy_where_one_minus_p_rounds_to_zero():
    """Logits (60, 0, 0): 1 - p_0 is 2 exp(-60), far below the resolution of p_0."""
    labels = np.array([0, 1])
    target = answers(np.array([[[60.0, 0.0, 0.0]] * 2] * 2))
    scores = ModifiedEntropy().score(view_of(target, labels, np.zeros((2, 2), dtype=bool)))
    rest = exp(-60)
    # Right: (1 - p_y) log p_y ~ (2 rest)(-2 rest), and two terms p_c log(1 - p_c) ~ -rest^2.
    assert scores[0] == pytest.approx(-4 * rest**2 - 2 * rest**2, rel=1e-5)
    # Wrong: (1 - p_y) log p_y ~ -60, and p_0 log(1 - p_0) = log(2 rest) = log 2 - 60.
    assert scores[1] == pytest.approx(-60 + log(2) - 60, rel=1e-6)


def test_modified_entropy_is_largest_for_a_right_and_certain_answer():
    logits = np.array([[30.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 30.0, 0.0]])
    models = answers(np.stack([logits, logits]))
    labels = np.zeros(4, dtype=np.int64)
    scores = ModifiedEntropy().score(view_of(models, labels, np.zeros((2, 4), dtype=bool)))
    assert (np.diff(scores) < 0).all()


def test_scaled_confidence_reference():
    """Phi from exact rational arithmetic on powers of two."""
    p = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8), Fraction(1, 8)]
    target = Outputs(np.zeros(4, int), np.log(np.array([[float(v) for v in p]] * 4)).astype("f4"))
    expected = [log(v / (1 - v)) for v in p]
    np.testing.assert_allclose(target.scaled_confidence(np.arange(4)), expected, atol=1e-6)


@pytest.mark.parametrize("logit", [-60.0, 60.0])
def test_scaled_confidence_keeps_large_logits(logit):
    phi = answers(np.array([[logit, 0.0]])).scaled_confidence(np.array([0]))
    np.testing.assert_allclose(phi, [logit], rtol=1e-6)
