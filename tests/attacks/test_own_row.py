"""Built-in attacks use nothing of their target's membership, and need nothing that can be written on."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.attacks.outputs import Outputs
from privbench.attacks.own_row import CHECKED, check_own_row
from privbench.attacks.synthetic import SyntheticAttack
from privbench.data import read_only
from privbench.errors import PrivbenchError
from privbench.plugins.builtins import register_attacks

from .helpers import random_population, views_of
from .releases import copies
from .releases import views_of_releases as synthetic_views
from .test_conformance import ATTACK_IDS, ATTACKS, REFERENCES, random_views
from .test_synthetic_conformance import ATTACKS as SYNTHETIC
from .test_synthetic_conformance import IDS as SYNTHETIC_IDS


def naive_views():
    """Views whose shadows are other models than the targets, with the same membership."""
    targets, labels, member = random_population(n_models=4, n=120, references=REFERENCES)
    shadows, _, _ = random_population(n_models=4, n=120, signal=2.5, seed=0, references=REFERENCES)
    return views_of(targets, labels, member, references=REFERENCES, shadows=shadows)


def check(attack, make_views):
    check_own_row(attack.score_all, make_views, attack.score_all(make_views()), attack.name)


@pytest.mark.parametrize("attack", ATTACKS, ids=ATTACK_IDS)
def test_no_built_in_attack_uses_the_targets_row(attack):
    check(attack, lambda: random_views(n_models=4))
    check(attack, naive_views)


@pytest.mark.parametrize("attack", SYNTHETIC, ids=SYNTHETIC_IDS)
def test_no_built_in_attack_on_released_data_uses_the_targets_row(attack):
    check(attack, lambda: synthetic_views(copies))


COVERED = [a for a in ATTACKS if a.queries_used() is not None and not a.uses_reference()]


@pytest.mark.parametrize("attack", COVERED, ids=[a.name for a in COVERED])
def test_what_a_guarantee_of_outputs_is_compared_with_sees_one_record_of_the_target(attack):
    """Such a guarantee is for the outputs behind one score (`stages.guarantees.acts_on_before`)."""
    views = random_views(n_models=6).part(np.arange(3, 6), np.arange(3))
    order = np.append(np.arange(10), np.arange(10, 120)[::-1])
    others = Outputs(views.targets.predicted[:, order], views.targets.log_probs[:, order])
    again = random_views(n_models=6).part(np.arange(3, 6), np.arange(3))
    scores, changed = attack.score_all(views), attack.score_all(replace(again, targets=others))
    np.testing.assert_array_equal(scores[:, :10], changed[:, :10])
    uses_outputs = attack.name != "oslo"  # which asks about other records than those of the pool
    assert (scores[:, 10:] != changed[:, 10:]).any() == uses_outputs


def test_all_attacks_on_released_data_are_here():
    registered = set()
    register_attacks(registered.add)
    synthetic = {cls for cls in registered if issubclass(cls, SyntheticAttack)}
    assert {type(attack) for attack in SYNTHETIC} == synthetic


def locked(value, seen=None):
    """Make all arrays of some views read-only, in place."""
    seen = set() if seen is None else seen
    if isinstance(value, np.ndarray):
        read_only(value)
    elif id(value) not in seen and hasattr(value, "__dataclass_fields__"):
        seen.add(id(value))
        for part in vars(value).values():
            locked(part, seen)
    elif isinstance(value, list):
        for part in value:
            locked(part, seen)
    return value


@pytest.mark.parametrize("attack", [*ATTACKS, *SYNTHETIC], ids=[*ATTACK_IDS, *SYNTHETIC_IDS])
def test_built_in_attacks_score_read_only_views(attack):
    make = random_views if attack in ATTACKS else lambda n_models: synthetic_views(copies)
    scores = attack.score_all(make(n_models=4))
    np.testing.assert_array_equal(attack.score_all(locked(make(n_models=4))), scores)


def leak(views):
    return views.shadow_member + 0.0


def test_a_leak_is_told_with_the_target():
    views = random_views(n_models=4)
    with pytest.raises(
        PrivbenchError, match=r"x: score_all uses .*: 120 of 120 scores of target \d"
    ):
        check_own_row(leak, lambda: views, leak(views), "x")


def test_targets_are_drawn_and_each_costs_one_call():
    checked = set()
    for seed in range(10):
        calls = []

        def score_all(views, calls=calls):
            calls.append(views.shadow_member)
            return np.zeros((4, 120))

        def make_views(seed=seed):
            population = random_population(n_models=4, n=120)
            return views_of(*population, seed=seed)

        check_own_row(score_all, make_views, np.zeros((4, 120)), "x")
        assert len(calls) == CHECKED
        member = make_views().shadow_member
        flipped = [np.flatnonzero((own != member).all(1)) for own in calls]
        assert all(len(rows) == 1 for rows in flipped)
        assert all(((own != member).sum(1) > 0).sum() == 1 for own in calls)
        checked |= {int(rows[0]) for rows in flipped}
    assert checked == {0, 1, 2, 3}


def test_rounding_is_no_leak():
    def score_all(views):
        weight = 1e-9 * views.shadow_member.sum(0)
        return views.targets.log_prob_of(views.labels) * (1 + weight)

    views = random_views(n_models=4)
    check_own_row(score_all, lambda: views, score_all(views), "x")


def test_shadows_of_other_models_are_not_checked():
    population = random_population(n_models=4, n=120, references=REFERENCES)
    views = views_of(*population, references=REFERENCES, leave_one_out=False)
    check_own_row(leak, lambda: views, leak(views), "x")
