"""Logistic regression for many targets: against another solver, and against single targets."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.attacks import learned
from privbench.attacks.learned import log_odds
from privbench.attacks.ml_leaks import MlLeaks
from privbench.attacks.shokri import Shokri

from .helpers import random_population, slow_log_odds, views_of


def population(n_models=9, n=40):
    """Return random features (models, n, 3) that depend on membership, and the membership."""
    rng = np.random.default_rng(0)
    member = rng.random((n_models, n)) < 0.5
    return rng.normal(size=(n_models, n, 3)) * [1, 5, 0.2] + member[..., None], member


@pytest.mark.parametrize("penalty", [0.1, 10.0])
def test_leave_one_out_is_a_fit_without_the_targets_own_shadow(penalty):
    features, member = population()
    scores = log_odds(features, member, features, penalty, leave_one_out=True)
    for target in range(9):
        others = np.arange(9) != target
        expected = slow_log_odds(
            features[others].reshape(-1, 3), member[others].ravel(), features[target], penalty
        )
        np.testing.assert_allclose(scores[target], expected, atol=1e-4)


def test_separate_targets_learn_from_all_shadows():
    features, member = population()
    scores = log_odds(features[:6], member[:6], features[6:], 1.0, leave_one_out=False)
    expected = slow_log_odds(
        features[:6].reshape(-1, 3), member[:6].ravel(), features[6:].reshape(-1, 3), 1.0
    )
    np.testing.assert_allclose(scores.ravel(), expected, atol=1e-4)


def test_targets_with_one_kind_of_membership_have_no_score():
    features, member = population(n_models=3)
    member[1:] = True
    scores = log_odds(features, member, features, 1.0, leave_one_out=True)
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1:]).all()
    nobody = log_odds(features[:0], member[:0], features, 1.0, leave_one_out=False)
    assert np.isnan(nobody).all()


def test_progress_is_reported_for_each_group():
    features, member = population(n_models=20)
    calls = []
    log_odds(
        features,
        member,
        features,
        1.0,
        leave_one_out=True,
        progress=lambda *args: calls.append(args),
    )
    assert calls == [(done, learned.GROUPS) for done in range(1, learned.GROUPS + 1)]


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
    ("limit", "value"),
    [("MAX_ITERATIONS", 0), ("MAX_ITERATIONS", 1), ("MAX_RESIDUALS", 1), ("MAX_RESIDUALS", 6000)],
)
def test_scores_do_not_depend_on_limits_of_time_and_memory(monkeypatch, attack, limit, value):
    """Targets that do not converge are fitted alone, and few rows at a time are enough."""
    population = random_population(n_models=20, n=150, n_classes=3)
    scores = attack.score_all(views_of(*population))
    monkeypatch.setattr(learned, limit, value)
    again = attack.score_all(views_of(*population))
    np.testing.assert_allclose(again, scores, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks()])
@pytest.mark.parametrize("row", [True, False, None])
def test_a_targets_own_shadow_changes_nothing_of_its_scores(attack, row):
    """Neither its membership, nor its outputs where it is another model than the target."""
    models, labels, member = random_population(n_models=20, n=150, n_classes=3)
    member[1:, labels == 2] = True  # a class that only the attack model of all classes can score
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
