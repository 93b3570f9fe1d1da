"""Shokri: against a fit by another solver, and what its per-class models can and cannot use."""

import numpy as np
import pytest

from privbench.attacks.loss import Loss
from privbench.attacks.shokri import Shokri

from .helpers import auc, outputs_of_logits, random_population, slow_log_odds, view_of


@pytest.mark.parametrize("penalty", [0.1, 10.0])
def test_slow_reference(penalty):
    models, labels, member = random_population(n_models=6, n=120, n_classes=3)
    view = view_of(models, labels, member)
    scores = Shokri(penalty=penalty).score(view)
    for label in range(3):
        rows, inside = [], []
        for shadow, is_in in zip(view.shadows.log_probs, view.shadow_member, strict=True):
            for record in range(120):
                if labels[record] == label:
                    rows.append(shadow[record].astype(float))
                    inside.append(is_in[record])
        target_rows = view.target.log_probs[labels == label].astype(float)
        expected = slow_log_odds(np.array(rows), np.array(inside), target_rows, penalty)
        np.testing.assert_allclose(scores[labels == label], expected, atol=1e-4)


def test_penalty_shrinks_the_log_odds():
    view = view_of(*random_population())
    none, some, much = [
        np.concatenate([np.diff(scores[view.labels == c]) for c in range(5)])
        for scores in (Shokri(penalty=penalty).score(view) for penalty in (0.01, 100.0, 1e6))
    ]  # differences within a class, so that the intercepts, which are not penalised, drop out
    assert none.std() > some.std() > 50 * much.std()


def opposite_signals(seed=0):
    """Return a population whose members have higher confidence in class 0, and lower in class 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 400)
    member = rng.random((8, 400)) < 0.5
    phi = rng.normal(size=(8, 400)) + 2 * member * np.where(labels == 0, 1, -1)
    logits = np.zeros((8, 400, 2))
    logits[:, np.arange(400), labels] = phi
    return outputs_of_logits(logits), labels, member


def test_each_class_has_an_attack_model_of_its_own():
    models, labels, member = opposite_signals()
    view = view_of(models, labels, member)
    assert auc(Shokri().score(view), member[0]) > 0.85
    assert auc(Loss().score(view), member[0]) < 0.65


def test_it_uses_more_than_the_probability_of_the_label():
    rng = np.random.default_rng(0)
    labels = np.zeros(400, dtype=np.int64)
    member = rng.random((8, 400)) < 0.5
    # The odds of class 1 against class 2, while the label is class 0.
    odds = 2 * member + rng.normal(size=(8, 400))
    models = outputs_of_logits(
        np.stack([np.logaddexp(odds, 0), odds, np.zeros_like(odds)], axis=-1)
    )
    view = view_of(models, labels, member)
    assert auc(Shokri().score(view), member[0]) > 0.85
    assert auc(Loss().score(view), member[0]) == pytest.approx(0.5, abs=0.1)


def test_a_class_without_both_kinds_borrows_from_the_others():
    models, labels, member = random_population(n_models=8, n=300, signal=3.0)
    member = member.copy()
    member[1:, labels == 0] = False  # the shadows' records of class 0 are all OUT
    view = view_of(models, labels, member)
    scores, of_class = Shokri().score(view), labels == 0
    assert auc(scores[of_class], member[0][of_class]) > 0.8


def test_without_both_kinds_anywhere_there_is_no_evidence():
    models, labels, member = random_population(n_models=3, n=20)
    assert (Shokri().score(view_of(models, labels, np.ones_like(member))) == 0).all()
