"""Which shadows a group of targets learns from, and how they are attacked."""

import numpy as np
import pytest

from privbench.attacks.own_shadows import attack_on_shadows, auc, groups_of_targets

from .helpers import auc as slow_auc
from .helpers import random_population, views_of


@pytest.mark.parametrize("n_models", [2, 3, 4, 11])
def test_groups_cover_all_targets_and_no_group_uses_its_own(n_models):
    views = views_of(*random_population(n_models=n_models, n=10))
    groups = list(groups_of_targets(views))
    assert sorted(np.concatenate([group for group, _ in groups])) == list(range(n_models))
    for group, known in groups:
        assert sorted([*group, *known]) == list(range(n_models))


def test_targets_that_are_no_shadows_learn_from_all():
    models, labels, member = random_population(n_models=5, n=10)
    views = views_of(models[:2], labels, member[2:], shadows=models[2:], leave_one_out=False)
    ((group, known),) = groups_of_targets(views)
    assert list(group) == [0, 1]
    assert list(known) == [0, 1, 2]


def test_each_known_shadow_is_the_target_once_and_the_others_are_its_shadows():
    models, labels, member = random_population(n_models=6, n=30, references=5)
    views = views_of(models, labels, member, references=5)
    own = attack_on_shadows(views, np.array([1, 3, 4]))
    assert len(own) == 3
    view = own[1]
    np.testing.assert_array_equal(view.target.log_probs, models.log_probs[3, :30])
    np.testing.assert_array_equal(view.target_reference.log_probs, models.log_probs[3, 30:])
    np.testing.assert_array_equal(view.shadows.log_probs, models.log_probs[[1, 4], :30])
    np.testing.assert_array_equal(view.shadow_member, member[[1, 4], :30])
    assert view.target_model is None


def test_auc_with_ties():
    rng = np.random.default_rng(0)
    scores, member = rng.integers(0, 4, (3, 50)).astype(float), rng.random((3, 50)) < 0.5
    pairs = scores[member][:, None] - scores[~member]
    assert auc(scores, member) == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))
    assert auc(scores, member) == pytest.approx(slow_auc(scores, member))
    assert np.isnan(auc(scores, np.ones_like(member)))
