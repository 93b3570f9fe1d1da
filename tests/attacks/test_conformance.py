"""What holds for every attack."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.base import LOG_FLOOR, Answers, View
from privbench.attacks.gap import Gap
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.modified_entropy import ModifiedEntropy
from privbench.attacks.shokri import Shokri

from .helpers import answers, auc, null_band, permuted, random_population, view_of

ATTACKS = [
    Gap(),
    Loss(),
    ModifiedEntropy(),
    Shokri(),
    *(
        Lira(mode=mode, variance=variance)
        for mode in ("online", "offline")
        for variance in ("per-record", "global")
    ),
]
ATTACK_IDS = [
    "-".join([attack.name, *(str(v) for v in attack.params().values())]) for attack in ATTACKS
]


@pytest.fixture(params=ATTACKS, ids=ATTACK_IDS)
def attack(request):
    return request.param


def check(scores, n):
    assert scores.dtype == np.float64
    assert scores.shape == (n,)
    assert np.isfinite(scores).all()


def test_scores_are_finite_and_leave_the_view_alone(attack):
    models, labels, member = random_population()
    view = view_of(models, labels, member)
    before = [view.target.log_probs.copy(), view.shadows.log_probs.copy(), member[1:].copy()]
    check(attack.score(view), len(labels))
    for old, new in zip(
        before, [view.target.log_probs, view.shadows.log_probs, view.shadow_member], strict=True
    ):
        np.testing.assert_array_equal(old, new)


def test_signal_raises_the_auc(attack):
    models, labels, member = random_population(signal=2.0)
    assert auc(attack.score(view_of(models, labels, member)), member[0]) > 0.6


def test_without_signal_the_auc_is_a_half(attack):
    models, labels, member = random_population(n_models=9, n=600, signal=0.0, seed=5)
    scores = [attack.score(view_of(models, labels, member, target)) for target in range(9)]
    band = null_band(member.sum(), (~member).sum())
    assert band < 0.04
    assert abs(auc(np.array(scores), member) - 0.5) < band


def test_permuting_records_permutes_scores(attack):
    models, labels, member = random_population()
    view = view_of(models, labels, member)
    order = np.random.default_rng(1).permutation(len(labels))
    np.testing.assert_allclose(
        attack.score(permuted(view, order)), attack.score(view)[order], rtol=1e-6, atol=1e-8
    )


def test_the_target_is_told_apart_from_the_shadows(attack):
    models, labels, member = random_population()
    scores = attack.score(view_of(models, labels, member, target=0))
    other = attack.score(view_of(models, labels, member, target=1))
    assert not np.array_equal(scores, other)


@pytest.mark.parametrize("n_models", [2, 3])
def test_one_or_two_shadows(attack, n_models):
    models, labels, member = random_population(n_models=n_models, n=40)
    check(attack.score(view_of(models, labels, member)), 40)


@pytest.mark.parametrize("inside", [True, False])
def test_shadows_with_one_kind_of_membership(attack, inside):
    models, labels, member = random_population(n_models=4, n=30)
    check(attack.score(view_of(models, labels, np.full_like(member, inside))), 30)


def test_one_class_missing_and_one_with_a_single_record(attack):
    models, labels, member = random_population(n=50)
    labels = np.where(labels == 2, 3, labels)
    labels[labels == 4] = 3
    labels[0] = 4
    member[:, 0] = True  # and that record is IN every shadow
    check(attack.score(view_of(models, labels, member)), 50)


def test_logits_of_plus_minus_sixty(attack):
    rng = np.random.default_rng(0)
    logits = rng.choice([-60.0, 60.0], size=(6, 80, 4))
    labels = rng.integers(0, 4, 80)
    member = rng.random((6, 80)) < 0.5
    check(attack.score(view_of(answers(logits), labels, member)), 80)


@pytest.mark.parametrize("identical", [True, False], ids=["identical", "different"])
def test_probabilities_of_exactly_zero_and_one(attack, identical):
    rng = np.random.default_rng(0)
    predicted = np.broadcast_to(rng.integers(0, 4, (1, 80)), (6, 80)).copy()
    if not identical:
        predicted = rng.integers(0, 4, (6, 80))
    log_probs = np.where(np.eye(4)[predicted] == 1, 0.0, -np.inf).astype(np.float32)
    models = Answers(predicted, log_probs)
    labels = rng.integers(0, 4, 80)
    member = rng.random((6, 80)) < 0.5
    check(attack.score(view_of(models, labels, member)), 80)


def test_a_view_holds_no_membership_of_the_target():
    membership = [field.name for field in dataclasses.fields(View) if "member" in field.name]
    assert membership == ["shadow_member"]
    models, labels, member = random_population(n_models=4)
    view = view_of(models, labels, member, target=2)
    np.testing.assert_array_equal(view.shadow_member, member[[0, 1, 3]])


def test_flipping_the_targets_membership_changes_no_score(attack):
    models, labels, member = random_population()
    flipped = member.copy()
    flipped[0] = ~flipped[0]
    np.testing.assert_array_equal(
        attack.score(view_of(models, labels, member)),
        attack.score(view_of(models, labels, flipped)),
    )


def test_the_floor_is_below_what_logits_of_sixty_give():
    assert answers([[60.0, -60.0]]).log_probs.min() > LOG_FLOOR
