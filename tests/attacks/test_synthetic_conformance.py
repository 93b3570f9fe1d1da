"""Requirements on every attack on synthetic data: planted leaks, nulls, and what must not matter."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from privbench.attacks.dcr import Dcr
from privbench.attacks.density_ratio import DensityRatio
from privbench.attacks.domias import Domias
from privbench.attacks.gan_leaks import GanLeaks
from privbench.attacks.gen_lra import GenLra
from privbench.attacks.groundhog import Groundhog
from privbench.attacks.logan import Logan
from privbench.attacks.monte_carlo import MonteCarlo
from privbench.attacks.shadow_density import ShadowDensity
from privbench.attacks.synthetic import SyntheticAttack
from privbench.plugins.builtins import register_attacks

from .releases import (
    MODELS,
    copies,
    ignores,
    near,
    records,
    views_of_releases,
)

ATTACKS = [
    Dcr(),
    GanLeaks(),
    GanLeaks(calibrated=False),
    MonteCarlo(),
    Logan(epochs=60),
    Domias(dimensions=24),
    DensityRatio(),
    GenLra(dimensions=24),
    Groundhog(dimensions=30),
    Groundhog(features="naive", dimensions=30),
    ShadowDensity(),
    ShadowDensity(labelled=False, neighbours=2, variance="global"),
]

IDS = [f"{attack.name}-{i}" for i, attack in enumerate(ATTACKS)]


def auc(attack, given):
    return roc_auc_score(given.shadow_member.ravel(), attack.score_all(given).ravel())


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_a_generator_that_copies_is_attacked(attack):
    assert auc(attack, views_of_releases(copies)) > 0.95


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_attacks_use_shadows_if_they_say_so(attack):
    given, other = views_of_releases(near), views_of_releases(near)
    other = replace(other, shadow_member=~other.shadow_member)
    same = (attack.score_all(given) == attack.score_all(other)).all()
    assert same == (attack.shadows_needed() == "no")


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_a_generator_that_ignores_the_records_is_safe(attack):
    """The mean AUC of four populations has a standard deviation of about .01."""
    mean = np.mean([auc(attack, views_of_releases(ignores, seed)) for seed in range(4)])
    assert abs(mean - 0.5) < 0.05


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_scores_do_not_depend_on_the_targets_own_membership(attack):
    given = views_of_releases(copies)
    expected = attack.score_all(given)
    for target in (0, 7):
        member = given.shadow_member.copy()
        member[target] = ~member[target]
        again = [np.random.default_rng(i) for i in range(MODELS)]
        flipped = replace(given, shadow_member=member, rngs=again)
        np.testing.assert_allclose(attack.score_all(flipped)[target], expected[target], atol=1e-5)


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_all_targets_at_once_are_as_one_after_another(attack):
    expected = attack.score_all(views_of_releases(copies))
    given = views_of_releases(copies)
    for target in (0, 11):
        found = attack.score(given[target])
        np.testing.assert_allclose(found, expected[target], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_the_order_of_released_records_does_not_matter(attack):
    given = views_of_releases(copies)
    rng = np.random.default_rng(5)
    shuffled = [data.take(rng.permutation(len(data))) for data in given.targets]
    found = attack.score_all(replace(given, targets=shuffled, shadows=shuffled))
    expected = attack.score_all(views_of_releases(copies))
    if attack.name == "logan":  # its batches come in another order
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_constant_sets_are_no_error():
    same = records(np.random.default_rng(0), np.zeros(12, int))
    given = views_of_releases(lambda rng, private: same)
    for attack in ATTACKS:
        assert np.isfinite(attack.score_all(given)).all(), attack.name


CHANGES = [
    (GanLeaks, "calibrated", [True, False]),
    (MonteCarlo, "dimensions", [2, 20]),
    (MonteCarlo, "neighbours", [1, 12]),
    (Logan, "hidden", [4, 64]),
    (Logan, "epochs", [1, 20]),
    (Logan, "references", [1, 4]),
    (Domias, "dimensions", [2, 20]),
    (Domias, "bandwidth", [0.1, 1.0]),
    (DensityRatio, "neighbours", [1, 3]),
    (GenLra, "neighbours", [1, 5]),
    (GenLra, "dimensions", [2, 20]),
    (GenLra, "bandwidth", [0.1, 1.0]),
    (Groundhog, "features", ["naive", "correlations", "both"]),
    (Groundhog, "dimensions", [2, 20]),
    (Groundhog, "ridge", [0.1, 1.0]),
    (ShadowDensity, "neighbours", [1, 3]),
    (ShadowDensity, "labelled", [True, False]),
    (ShadowDensity, "variance", ["shrunk", "global", "per-record"]),
]


def test_no_parameter_is_forgotten():
    registered = []
    register_attacks(registered.append)
    attacks = [cls for cls in registered if issubclass(cls, SyntheticAttack)]
    assert set(attacks) == {type(attack) for attack in ATTACKS}
    every = {(cls, name) for cls in attacks for name in cls.model_fields}
    assert {(cls, name) for cls, name, _ in CHANGES} == every


@pytest.mark.parametrize(("cls", "name", "values"), CHANGES)
def test_each_parameter_matters(cls, name, values):
    scores = [cls(**{name: value}).score_all(views_of_releases(near)) for value in values]
    for i, ours in enumerate(scores):
        for theirs in scores[:i]:
            assert np.mean(~np.isclose(ours, theirs, rtol=1e-3)) > 0.05
