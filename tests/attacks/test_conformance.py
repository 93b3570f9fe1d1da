"""Requirements on every attack on models, in every mode."""

import dataclasses
import typing

import numpy as np
import pytest

from privbench.attacks.attack_p import AttackP
from privbench.attacks.attack_r import AttackR
from privbench.attacks.auto import Auto
from privbench.attacks.base import Attack, View
from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.calibration import Calibration
from privbench.attacks.confidence import Confidence
from privbench.attacks.entropy import Entropy
from privbench.attacks.gap import Gap
from privbench.attacks.gradient import Gradient
from privbench.attacks.info_rmia import InfoRmia
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.ml_leaks import MlLeaks
from privbench.attacks.modified_entropy import ModifiedEntropy
from privbench.attacks.oslo import Oslo
from privbench.attacks.outputs import LOG_FLOOR, Outputs
from privbench.attacks.pmia import Pmia
from privbench.attacks.quantile import Quantile
from privbench.attacks.rmia import Rmia
from privbench.attacks.shokri import Shokri
from privbench.plugins.builtins import register_attacks

from .helpers import auc, null_band, outputs_of_logits, permuted, random_population, views_of

ATTACKS = [
    Gap(),
    Loss(),
    Confidence(),
    Entropy(),
    ModifiedEntropy(),
    Shokri(),
    MlLeaks(),
    *(
        Lira(mode=mode, variance=variance)
        for mode in ("online", "offline")
        for variance in ("per-record", "global", "shrunk")
    ),
    Lira(queries_per_record=3),
    Rmia(mode="online"),
    Rmia(mode="offline"),
    Rmia(mode="offline", a=0.3),
    InfoRmia(),
    BaseAttack(mode="online"),
    BaseAttack(mode="offline"),
    AttackP(),
    AttackR(),
    Calibration(),
    Quantile(trees=20, leaf=5),
    Pmia(proxies="global"),
    Pmia(proxies="class"),
    Pmia(proxies="instance", neighbours=8),
    LabelOnly(copies=6, noise=0.05),
    LabelOnly(copies=6, noise=0.05, calibrated=False),
    Oslo(threshold=0.1, budget=0.05, iterations=1),
    Auto(),
    Gradient(calibrated=True),
    Gradient(calibrated=False),
]
ATTACK_IDS = [
    "-".join([attack.name, *(str(v) for v in attack.params().values())]) for attack in ATTACKS
]
REFERENCES = 40


@pytest.fixture(params=ATTACKS, ids=ATTACK_IDS)
def attack(request):
    return request.param


def random_views(**options):
    return views_of(
        *random_population(**{"n": 120, **options}, references=REFERENCES), references=REFERENCES
    )


def check(scores, *shape):
    assert scores.dtype == np.float64
    assert scores.shape == shape
    assert np.isfinite(scores).all()


def rehearses(attack):
    return attack.name in ("auto", "oslo") or getattr(attack, "a", 0.0) is None


def check_all(attack, build):
    """The scores of all targets at once, of ``build()``; and that they are those of each view.

    What groups of targets choose or learn on their shadows, a single target does on more of them.
    """
    views = build()
    together = attack.score_all(views)
    check(together, len(views), len(views.labels))
    for scores, view in zip(together, build(), strict=True):
        alone = attack.score(view)
        check(alone, len(views.labels))
        if views.leave_one_out and rehearses(attack):
            continue
        np.testing.assert_allclose(scores, alone, rtol=1e-8, atol=1e-9)
    return together


def test_all_attacks_and_modes_are_here():
    registered = set()
    register_attacks(registered.add)
    registered = {cls for cls in registered if issubclass(cls, Attack)}
    assert {type(attack) for attack in ATTACKS} == registered
    for cls in registered:
        for name, field in cls.model_fields.items():
            if typing.get_origin(field.annotation) is typing.Literal:
                here = {getattr(attack, name) for attack in ATTACKS if type(attack) is cls}
                assert here == set(typing.get_args(field.annotation))


def test_scores_are_finite_and_leave_the_views_alone(attack):
    views, untouched = random_views(n_models=4), random_views(n_models=4)
    check(attack.score_all(views), 4, 120)
    for name in ("targets", "target_reference"):
        np.testing.assert_array_equal(
            getattr(views, name).log_probs, getattr(untouched, name).log_probs
        )
    for name in ("labels", "shadow_member", "reference_labels", "records", "reference_records"):
        np.testing.assert_array_equal(getattr(views, name), getattr(untouched, name))


def test_signal_raises_the_auc(attack):
    population = random_population(n=300, signal=2.0, references=REFERENCES)
    scores = attack.score(views_of(*population, references=REFERENCES)[0])
    assert auc(scores, population[2][0, :-REFERENCES]) > 0.6


def test_without_signal_the_auc_is_a_half(attack):
    population = random_population(n_models=9, n=600, signal=0.0, seed=5, references=REFERENCES)
    scores = attack.score_all(views_of(*population, references=REFERENCES))
    member = population[2][:, :-REFERENCES]
    band = null_band(member.sum(), (~member).sum())
    assert band < 0.04
    assert abs(auc(scores, member) - 0.5) < band


def test_permuting_records_permutes_scores(attack):
    rng = np.random.default_rng(1)
    order, reference_order = rng.permutation(120), rng.permutation(REFERENCES)
    view, other = random_views()[0], permuted(random_views()[0], order, reference_order)
    rtol = 1e-4 if attack.name in ("gradient", "oslo") else 1e-6  # computed in float32, in batches
    np.testing.assert_allclose(attack.score(other), attack.score(view)[order], rtol=rtol, atol=1e-8)


def test_each_target_has_scores_of_its_own(attack):
    views = random_views()
    assert not np.array_equal(attack.score(views[0]), attack.score(views[1]))


def test_score_all_equals_score_of_each_view(attack):
    check_all(attack, lambda: random_views(n_models=6))


def other_shadows(n_shadows, leave_one_out):
    """Return views of three targets, none of which is a shadow."""
    models, labels, member = random_population(n_models=3 + n_shadows, n=120, references=REFERENCES)
    return views_of(
        models[:3],
        labels,
        member[3:],
        references=REFERENCES,
        shadows=models[3:],
        leave_one_out=leave_one_out,
    )


def test_score_all_with_separate_shadows(attack):
    check_all(attack, lambda: other_shadows(5, leave_one_out=False))


def test_score_all_where_a_shadow_stands_for_each_target(attack):
    """A naive adversary's shadows have the targets' membership and no defense."""
    check_all(attack, lambda: other_shadows(3, leave_one_out=True))


@pytest.mark.parametrize("n_models", [2, 3])
def test_one_or_two_shadows(attack, n_models):
    check_all(attack, lambda: random_views(n_models=n_models, n=40))


@pytest.mark.parametrize("inside", [True, False])
def test_shadows_that_are_all_in_or_all_out(attack, inside):
    models, labels, member = random_population(n_models=4, n=30, references=REFERENCES)
    everyone = np.full_like(member, inside)
    check_all(attack, lambda: views_of(models, labels, everyone, references=REFERENCES))


def test_one_class_missing_and_one_with_a_single_record(attack):
    models, labels, member = random_population(n=50, references=REFERENCES)
    labels = np.where(labels == 2, 3, labels)
    labels[labels == 4] = 3
    labels[0] = 4
    member[:, 0] = True  # and that record is IN every shadow
    check_all(attack, lambda: views_of(models, labels, member, references=REFERENCES))


def test_a_single_reference_record(attack):
    population = random_population(n_models=4, n=30, references=1)
    check_all(attack, lambda: views_of(*population, references=1))


def random_labels(rng, n_models, n):
    return rng.integers(0, 4, n), rng.random((n_models, n)) < 0.5


def test_logits_of_plus_minus_sixty(attack):
    rng = np.random.default_rng(0)
    models = outputs_of_logits(rng.choice([-60.0, 60.0], size=(6, 80, 4)))
    labels, member = random_labels(rng, 6, 80)
    check_all(attack, lambda: views_of(models, labels, member, references=20))


@pytest.mark.parametrize("identical", [True, False], ids=["identical", "different"])
def test_probabilities_of_exactly_zero_and_one(attack, identical):
    rng = np.random.default_rng(0)
    predicted = np.broadcast_to(rng.integers(0, 4, (1, 80)), (6, 80)).copy()
    if not identical:
        predicted = rng.integers(0, 4, (6, 80))
    log_probs = np.where(np.eye(4)[predicted] == 1, 0.0, -np.inf).astype(np.float32)
    models = Outputs(predicted, log_probs)
    labels, member = random_labels(rng, 6, 80)
    check_all(attack, lambda: views_of(models, labels, member, references=20))


def test_a_view_holds_no_membership_of_the_target():
    membership = [field.name for field in dataclasses.fields(View) if "member" in field.name]
    assert membership == ["shadow_member"]
    models, labels, member = random_population(n_models=4)
    view = views_of(models, labels, member)[2]
    np.testing.assert_array_equal(view.shadow_member, member[[0, 1, 3]])


def saturated(rng, models, member):
    """Return a first model of low confidence, and others that are saturated and nearly equal."""
    phi = 15 + 1e-5 * rng.normal(size=member.shape)
    phi[0] = rng.normal(scale=30, size=member.shape[1])
    return outputs_of_logits(np.stack([phi, np.zeros_like(phi)], axis=-1))


def constant(rng, models, member):
    """Return models whose outputs are the same for every record, except the first."""
    log_probs = np.full_like(models.log_probs, -np.log(models.log_probs.shape[-1]))
    log_probs[0] = 10 * models.log_probs[0]
    return Outputs(log_probs.argmax(axis=-1), log_probs)


def two_levels(rng, models, member):
    """Return models whose phi has two values, neither of which is exact in binary."""
    phi = np.where(rng.random(member.shape) < 0.5, 0.1, 3.7)
    return outputs_of_logits(np.stack([phi, np.zeros_like(phi)], axis=-1))


def mostly_saturated(rng, models, member):
    """Return outputs like those of a forest of ten trees, unanimous for most records."""
    votes = np.where(rng.random(member.shape) < 0.7, 1.0, rng.integers(0, 11, member.shape) / 10)
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.stack([votes, 1 - votes], axis=-1)).astype(np.float32)
    return Outputs(log_probs.argmax(axis=-1), log_probs)


def ordinary(rng, models, member):
    return models


KINDS = [ordinary, saturated, mostly_saturated, constant, two_levels]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_models", [2, 3, 8])
def test_a_targets_membership_changes_none_of_its_scores(attack, kind, n_models):
    models, labels, member = random_population(
        n_models=n_models, n=60, n_classes=2, references=REFERENCES
    )
    models = kind(np.random.default_rng(0), models, member)
    check_blind_to_own_row(attack, models, labels, member)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inside", [True, False])
def test_nor_where_all_shadows_are_in_or_all_are_out(attack, kind, inside):
    models, labels, member = random_population(n_models=3, n=40, n_classes=2, references=REFERENCES)
    models = kind(np.random.default_rng(0), models, member)
    member[1:] = inside
    check_blind_to_own_row(attack, models, labels, member)


def check_blind_to_own_row(attack, models, labels, member):
    for row in (~member[0], np.ones_like(member[0]), np.zeros_like(member[0])):
        changed = member.copy()
        changed[0] = row
        scores, others = (
            attack.score_all(views_of(models, labels, m, references=REFERENCES))[0]
            for m in (member, changed)
        )
        np.testing.assert_array_equal(others, scores)  # to the last bit: ties would give it away


@pytest.mark.parametrize("n_models", [2, 16])
@pytest.mark.parametrize("logit", [0.1, 40.0])
def test_constant_outputs_are_no_evidence(attack, logit, n_models):
    """All outputs are the same, so scores are equal or differ by chance."""
    _, labels, member = random_population(n_models=n_models, n=400, references=REFERENCES)
    models = outputs_of_logits(np.broadcast_to([logit, 0.0, 0.0], (n_models, len(labels), 3)))
    views = views_of(models, 0 * labels, member, references=REFERENCES)
    scores, member = attack.score_all(views), member[:, :-REFERENCES]
    # Label-only and OSLO change the records; shrunk LiRA is less sure where there are fewer shadows, and
    # so are attacks that rest on it or shrink as it does.
    shrinks = getattr(attack, "variance", "") == "shrunk" or attack.name in ("auto", "pmia")
    changes = attack.name in ("label-only", "oslo")
    if changes or shrinks or getattr(attack, "calibrated", False):
        assert abs(auc(scores, member) - 0.5) < null_band(member.sum(), (~member).sum())
    else:
        np.testing.assert_array_equal(scores, scores[:, :1] + np.zeros_like(scores))
        assert all(
            auc(target_scores, row) == 0.5
            for target_scores, row in zip(scores, member, strict=True)
        )


BY_MEANS = ("lira", "rmia", "info-rmia", "base", "calibration", "auto", "pmia")
"""Attacks that compare with means over shadows, where rounding makes ties."""


@pytest.mark.parametrize("kind", [mostly_saturated, two_levels])
@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name in BY_MEANS], ids=str)
def test_ties_are_no_evidence(attack, kind):
    """Few distinct outputs and many records, so that rounding would show."""
    _, labels, member = random_population(n_models=8, n=3000, n_classes=2, references=REFERENCES)
    models = kind(np.random.default_rng(7), None, member)
    scores = attack.score_all(views_of(models, 0 * labels, member, references=REFERENCES))
    member = member[:, :-REFERENCES]
    assert abs(auc(scores, member) - 0.5) < null_band(member.sum(), (~member).sum())


def test_a_targets_outputs_affect_other_targets_only_as_a_shadow(attack):
    """The scores of a separate target do not depend on the other targets of the same call."""
    views, alone = other_shadows(5, leave_one_out=False), other_shadows(5, leave_one_out=False)
    fewer = dataclasses.replace(
        alone,
        targets=alone.targets[:1],
        target_reference=alone.target_reference[:1],
        target_models=alone.target_models[:1],
    )
    np.testing.assert_allclose(
        attack.score_all(views)[0], attack.score_all(fewer)[0], rtol=1e-9, atol=1e-9
    )


def test_logits_of_sixty_stay_above_the_floor():
    assert outputs_of_logits([[60.0, -60.0]]).log_probs.min() > LOG_FLOOR
