"""Attacks that learn from outputs of shadows for records other than the pool's."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.ml_leaks import MlLeaks
from privbench.attacks.shokri import Shokri

from .helpers import auc, random_population, views_of


def views_on_other_records():
    """Two targets on 200 records; six shadows on 150 others."""
    targets, labels, member = random_population(n_models=2, n=200, signal=3.0, seed=1)
    shadows, shadow_labels, shadow_member = random_population(n_models=6, n=150, signal=3.0, seed=2)
    views = dataclasses.replace(
        views_of(targets, labels, member, leave_one_out=False),
        shadows=shadows,
        shadow_reference=shadows[:, :0],
        shadow_labels=shadow_labels,
        shadow_member=shadow_member,
    )
    return views, member


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks()], ids=["shokri", "ml-leaks"])
def test_what_is_learned_on_others_serves_the_pool(attack):
    views, member = views_on_other_records()
    assert attack.obstacle(views) == ""
    assert auc(attack.score_all(views), member) > 0.75


@pytest.mark.parametrize("attack", [Shokri(), MlLeaks()], ids=["shokri", "ml-leaks"])
def test_the_shadows_records_may_come_in_any_order(attack):
    views, _ = views_on_other_records()
    order = np.random.default_rng(0).permutation(150)
    changed = dataclasses.replace(
        views,
        shadows=views.shadows[:, order],
        shadow_labels=views.shadow_labels[order],
        shadow_member=views.shadow_member[:, order],
    )
    np.testing.assert_allclose(attack.score_all(changed), attack.score_all(views), rtol=1e-6)


def test_a_class_that_the_shadows_never_saw_is_scored_by_the_attack_model_of_all():
    views, member = views_on_other_records()
    changed = dataclasses.replace(views, shadow_labels=np.minimum(views.shadow_labels, 3))
    new = views.labels == 4
    assert auc(Shokri().score_all(changed)[:, new], member[:, new]) > 0.7
