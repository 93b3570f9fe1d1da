"""Outputs, views and obstacles: what an attack is given, and why it is skipped."""

import dataclasses
from fractions import Fraction
from math import log

import numpy as np
import pytest

from privbench.attacks.attack_p import AttackP
from privbench.attacks.gradient import Gradient
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.outputs import Outputs, log_sum_of_others
from privbench.attacks.quantile import Quantile
from privbench.attacks.shokri import Shokri
from privbench.data import read_only

from .helpers import (
    label_log_probs,
    outputs_of_logits,
    random_population,
    views_of,
)


def test_probabilities_cannot_be_read_where_only_labels_are_observed():
    models, labels, _ = random_population(n_models=2, n=20)
    with pytest.raises(TypeError, match="observes"):
        Outputs(models.predicted, None).log_prob_of(labels)


def test_scaled_confidence_reference():
    """Compute phi by exact rational arithmetic on powers of two."""
    p = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8), Fraction(1, 8)]
    target = Outputs(np.zeros(4, int), np.log(np.array([[float(v) for v in p]] * 4)).astype("f4"))
    expected = [log(v / (1 - v)) for v in p]
    np.testing.assert_allclose(target.scaled_confidence(np.arange(4)), expected, atol=1e-6)


@pytest.mark.parametrize("logit", [-60.0, 60.0])
def test_scaled_confidence_keeps_large_logits(logit):
    phi = outputs_of_logits(np.array([[logit, 0.0]])).scaled_confidence(np.array([0]))
    np.testing.assert_allclose(phi, [logit], rtol=1e-6)


def test_log_prob_of_several_models_is_that_of_each():
    models, labels, _ = random_population(n_models=3, n=20)
    expected = [label_log_probs(model, labels) for model in models]
    np.testing.assert_allclose(models.log_prob_of(labels), expected, atol=1e-6)


def views(n_models=4, references=6, **choices):
    population = random_population(n_models=n_models, n=20, references=references)
    return views_of(*population, references=references, **choices)


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_a_view_has_all_of_the_target_and_the_others(leave_one_out):
    all_views = views(leave_one_out=leave_one_out)
    view = all_views[2]
    others = [0, 1, 3] if leave_one_out else [0, 1, 2, 3]
    np.testing.assert_array_equal(view.target.log_probs, all_views.targets.log_probs[2])
    np.testing.assert_array_equal(view.shadows.log_probs, all_views.shadows.log_probs[others])
    np.testing.assert_array_equal(view.shadow_member, all_views.shadow_member[others])
    np.testing.assert_array_equal(
        view.target_reference.log_probs, all_views.target_reference.log_probs[2]
    )
    np.testing.assert_array_equal(
        view.shadow_reference.log_probs, all_views.shadow_reference.log_probs[others]
    )
    assert view.rng is all_views.rngs[2]
    assert view.target_model is all_views.target_models[2]
    assert view.shadow_models == [all_views.shadow_models[i] for i in others]


def test_progress_is_made_after_each_target():
    seen = []
    watched = dataclasses.replace(views(), progress=lambda done, total: seen.append((done, total)))
    for _ in watched:
        seen.append("view")
    assert seen == [step for i in range(1, 5) for step in ("view", (i, 4))]


def test_ordinary_views_are_no_obstacle():
    for attack in (AttackP(), Gradient(), LabelOnly(), Lira(), Loss(), Quantile(), Shokri()):
        assert attack.obstacle(views()) == ""


def predictions_only(given):
    return dataclasses.replace(
        given, records=None, reference_records=None, target_models=(), shadow_models=()
    )


def no_records(given):
    return dataclasses.replace(given, records=None, reference_records=None)


def no_references(given):
    return views(references=0)


def alone(given):
    return views(n_models=1)


def other_records(given):
    return dataclasses.replace(given, shadow_labels=given.shadow_labels.copy())


@pytest.mark.parametrize(
    ("attack", "without", "reason"),
    [
        (Gradient(), predictions_only, "parameters"),
        (LabelOnly(), predictions_only, "outputs for its own queries"),
        (LabelOnly(), no_records, "records themselves"),
        (Quantile(), predictions_only, "records themselves"),
        (AttackP(), no_references, "reference records"),
        (Quantile(), no_references, "reference records"),
        (Lira(), alone, "shadows"),
        (Shokri(), alone, "shadows"),
        (Lira(), other_records, "shadows on the same records"),
        (Gradient(), alone, "shadows"),
        (Gradient(calibrated=False), predictions_only, "parameters"),
    ],
)
def test_the_obstacle_names_what_is_missing(attack, without, reason):
    assert reason in attack.obstacle(without(views()))


@pytest.mark.parametrize(
    ("attack", "without"),
    [
        (Loss(), predictions_only),
        (Loss(), alone),
        (Loss(), other_records),
        (Lira(), predictions_only),
        (Lira(), no_references),
        (Shokri(), other_records),
        (AttackP(), alone),
        (Gradient(calibrated=False), alone),
        (Gradient(calibrated=False), other_records),
    ],
)
def test_what_is_not_needed_is_no_obstacle(attack, without):
    assert attack.obstacle(without(views())) == ""


def test_a_part_of_views_is_as_if_there_were_no_others():
    models, labels, member = random_population(n_models=6, n=20)
    part = views_of(models, labels, member).part(np.array([3, 5]), np.array([0, 2, 4]))
    assert not part.leave_one_out
    np.testing.assert_array_equal(part.targets.predicted, models.predicted[[3, 5]])
    for view in part:
        np.testing.assert_array_equal(view.shadows.predicted, models.predicted[[0, 2, 4]])
        np.testing.assert_array_equal(view.shadow_member, member[[0, 2, 4]])


def parts(outputs):
    """Some models of outputs, by every kind of index."""
    may_use = np.array([True, False, True, True])
    yield from (outputs[1], outputs[np.array([3, 0])], outputs[may_use], outputs[may_use][1])
    yield from (outputs[1:], outputs[:, 5:], outputs[None])


def test_confidences_of_some_models_are_those_of_outputs_of_their_own():
    models, labels, _ = random_population(n_models=4, n=20)
    whole = Outputs(read_only(models.predicted), read_only(models.log_probs))
    read_only(labels)
    for asked in (labels, labels[::-1], labels):  # what is kept belongs to its labels
        for part in parts(whole):
            of_part = asked[5:] if part.predicted.shape[-1] == 15 else asked
            alone = Outputs(part.predicted.copy(), part.log_probs.copy())
            found = part.scaled_confidence(of_part)
            assert np.array_equal(found, alone.scaled_confidence(of_part))
            found[...] = 0.0  # nobody else sees that


def test_confidences_are_computed_once_where_arrays_cannot_change(monkeypatch):
    models, labels, _ = random_population(n_models=4, n=20)
    calls = []

    def counted(log_probs, classes):
        calls.append(1)
        return log_sum_of_others(log_probs, classes)

    monkeypatch.setattr("privbench.attacks.outputs.log_sum_of_others", counted)
    own = Outputs(models.predicted.copy(), models.log_probs.copy())
    for _ in range(2):
        own[np.array([0, 1])].scaled_confidence(labels)
    assert len(calls) == 4
    calls.clear()
    shared = Outputs(read_only(models.predicted), read_only(models.log_probs))
    read_only(labels)
    for _ in range(3):
        shared[np.array([0, 1])][np.array([1])].scaled_confidence(labels)
        shared[1].log_prob_of(labels)
    assert len(calls) == 1
    shared.scaled_confidence(labels)
    assert len(calls) == 4
