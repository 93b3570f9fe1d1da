"""What an attack is given, and why it is skipped."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.attack_p import AttackP
from privbench.attacks.gradient import Gradient
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.quantile import Quantile
from privbench.attacks.shokri import Shokri

from .helpers import random_population, views_of


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


def predictions_only(one):
    return dataclasses.replace(
        one, records=None, reference_records=None, target_models=(), shadow_models=()
    )


def no_records(one):
    return dataclasses.replace(one, records=None, reference_records=None)


def no_references(one):
    return views(references=0)


def alone(one):
    return views(n_models=1)


def other_records(one):
    return dataclasses.replace(one, shadow_labels=one.shadow_labels.copy())


@pytest.mark.parametrize(
    ("attack", "lack", "reason"),
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
def test_what_it_lacks_is_named(attack, lack, reason):
    assert reason in attack.obstacle(lack(views()))


@pytest.mark.parametrize(
    ("attack", "lack"),
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
def test_what_it_does_not_need_it_may_lack(attack, lack):
    assert attack.obstacle(lack(views())) == ""
