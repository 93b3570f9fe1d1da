"""Shokri: against a fit by another solver, and what its per-class models can and cannot use."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from privbench.attacks import learned
from privbench.attacks.loss import Loss
from privbench.attacks.ml_leaks import MlLeaks
from privbench.attacks.shokri import Shokri

from .helpers import answers, auc, random_population, view_of, views_of


def slow_log_odds(rows, member, asked, penalty):
    """L2-penalised logistic regression on standardised features, by a general-purpose minimiser."""
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    x, sign = (rows - centre) / spread, np.where(member, 1.0, -1.0)

    def objective(theta):
        margins = sign * (x @ theta[:-1] + theta[-1])
        slope = -sign / (1 + np.exp(margins))
        value = np.logaddexp(0, -margins).sum() + penalty * (theta[:-1] ** 2).sum() / 2
        return value, np.append(x.T @ slope + penalty * theta[:-1], slope.sum())

    theta = minimize(objective, np.zeros(x.shape[1] + 1), jac=True, method="BFGS").x
    return (asked - centre) / spread @ theta[:-1] + theta[-1]


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
        asked = view.target.log_probs[labels == label].astype(float)
        expected = slow_log_odds(np.array(rows), np.array(inside), asked, penalty)
        np.testing.assert_allclose(scores[labels == label], expected, atol=1e-4)


def test_penalty_shrinks_the_log_odds():
    view = view_of(*random_population())
    none, some, much = [
        np.concatenate([np.diff(scores[view.labels == c]) for c in range(5)])
        for scores in (Shokri(penalty=penalty).score(view) for penalty in (0.01, 100.0, 1e6))
    ]  # differences within a class, so that the intercepts, which are not penalised, drop out
    assert none.std() > some.std() > 50 * much.std()


def opposite_signals(seed=0):
    """Members of class 0 get surer of the label, members of class 1 less sure."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 400)
    member = rng.random((8, 400)) < 0.5
    phi = rng.normal(size=(8, 400)) + 2 * member * np.where(labels == 0, 1, -1)
    logits = np.zeros((8, 400, 2))
    logits[:, np.arange(400), labels] = phi
    return answers(logits), labels, member


def test_each_class_has_an_attack_model_of_its_own():
    models, labels, member = opposite_signals()
    view = view_of(models, labels, member)
    assert auc(Shokri().score(view), member[0]) > 0.85
    assert auc(Loss().score(view), member[0]) < 0.65


def test_it_uses_more_than_the_probability_of_the_label():
    rng = np.random.default_rng(0)
    labels = np.zeros(400, dtype=np.int64)
    member = rng.random((8, 400)) < 0.5
    odds = 2 * member + rng.normal(
        size=(8, 400)
    )  # of class 1 against class 2: the label is class 0
    models = answers(np.stack([np.logaddexp(odds, 0), odds, np.zeros_like(odds)], axis=-1))
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


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks(), Shokri(penalty=1e-3)])
@pytest.mark.parametrize("n_models", [9, 20])
def test_many_targets_at_once_are_as_each_alone(attack, n_models):
    models, labels, member = random_population(n_models=n_models, n=150, n_classes=3)
    member[1:4, labels == 0] = True
    views = views_of(models, labels, member)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, attack.score(view), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks()])
@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_ITERATIONS", 0), ("MAX_ITERATIONS", 1), ("MAX_RESIDUALS", 1), ("MAX_RESIDUALS", 6000)]
)
def test_scores_do_not_depend_on_limits_of_time_and_memory(monkeypatch, attack, limit, value):
    """Targets whose weights are not found at once are fitted alone; few rows at a time do."""
    population = random_population(n_models=20, n=150, n_classes=3)
    scores = attack.score_all(views_of(*population))
    monkeypatch.setattr(learned, limit, value)
    again = attack.score_all(views_of(*population))
    np.testing.assert_allclose(again, scores, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks()])
@pytest.mark.parametrize("row", [True, False, None])
def test_a_targets_own_shadow_changes_nothing_of_its_scores(attack, row):
    """Not its membership, nor what it answers where it is another model than the target."""
    models, labels, member = random_population(n_models=20, n=150, n_classes=3)
    member[1:, labels == 2] = True  # one class only the attack model of all classes serves
    views = views_of(models, labels, member)
    changed = member.copy()
    changed[0] = ~member[0] if row is None else row
    others = views.shadows.log_probs.copy()
    others[0] = np.roll(others[0], 1, axis=0)
    shadows = replace(views.shadows, log_probs=others)
    before = attack.score_all(views)
    after = attack.score_all(replace(views, shadow_member=changed, shadows=shadows))
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])
