"""The population attack, the reference attack and calibration, against loops over records and models."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.attack_p import AttackP
from privbench.attacks.attack_r import AttackR
from privbench.attacks.calibration import Calibration

from .helpers import answers, auc, random_population, views_of


def label_log_probs(answers, labels):
    return [float(row[y]) for row, y in zip(answers.log_probs, labels, strict=True)]


def rank(value, others):
    """The share of ``others`` that are at most ``value``, equal ones counted half."""
    return np.mean([(other < value) + (other == value) / 2 for other in others])


def slow_attack_p(view):
    reference = label_log_probs(view.target_reference, view.reference_labels)
    return [rank(p, reference) for p in label_log_probs(view.target, view.labels)]


def out_values(view):
    """For each record, what its OUT shadows say of the label."""
    shadows = [label_log_probs(shadow, view.labels) for shadow in view.shadows]
    return [
        [s[i] for s, is_in in zip(shadows, view.shadow_member[:, i], strict=True) if not is_in]
        for i in range(len(view.labels))
    ]


def slow_attack_r(view):
    own = label_log_probs(view.target, view.labels)
    return [rank(p, out) if out else 0.5 for p, out in zip(own, out_values(view), strict=True)]


def slow_calibration(view):
    values = out_values(view)
    typical = np.mean([np.mean(out) for out in values if out])
    own = label_log_probs(view.target, view.labels)
    return [p - (np.mean(out) if out else typical) for p, out in zip(own, values, strict=True)]


def rounded_population(n_models):
    """Answers so coarse that many are equal."""
    models, labels, member = random_population(n_models=n_models, n=90, n_classes=2, references=30)
    return answers(np.round(2 * models.log_probs)), labels, member


@pytest.mark.parametrize(
    "population", [rounded_population, random_population], ids=["ties", "none"]
)
@pytest.mark.parametrize("n_models", [3, 8])
@pytest.mark.parametrize(
    ("attack", "slow"),
    [(AttackP(), slow_attack_p), (AttackR(), slow_attack_r), (Calibration(), slow_calibration)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_slow_reference(attack, slow, n_models, population, monkeypatch):
    """In several chunks; with three models, many records have no OUT shadow."""
    monkeypatch.setattr(moments, "CHUNK", 64)
    views = views_of(*population(n_models=n_models), references=30)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow(view), atol=1e-6)


@pytest.mark.parametrize("attack", [AttackP(), AttackR()])
def test_a_constant_answer_is_no_evidence(attack):
    models = answers(np.ones((4, 50, 3)))
    views = views_of(models, np.zeros(50, int), np.zeros((4, 50), bool), references=10)
    assert (attack.score_all(views) == 0.5).all()


@pytest.mark.parametrize("attack", [AttackR(), Calibration()])
def test_how_hard_a_record_is_does_not_matter_to_what_compares_it_with_itself(attack):
    """Where records differ far more than membership does, and loss alone sees nothing."""
    rng = np.random.default_rng(0)
    member = rng.random((12, 400)) < 0.5
    logits = np.zeros((12, 400, 2))
    logits[..., 0] = (
        2 * member + 0.5 * rng.normal(size=member.shape) - np.abs(30 * rng.normal(size=400))
    )
    models, labels = answers(logits), np.zeros(400, int)
    assert (
        auc(AttackP().score_all(views_of(models, labels, member, references=50)), member[:, :350])
        < 0.6
    )
    assert auc(attack.score_all(views_of(models, labels, member)), member) > 0.9
