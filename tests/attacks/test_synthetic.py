"""Attacks on synthetic data: planted leaks, nulls, and what they must not look at."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from privbench.attacks.dcr import Dcr
from privbench.attacks.domias import Domias
from privbench.attacks.gan_leaks import GanLeaks, out_mean
from privbench.attacks.groundhog import Groundhog
from privbench.attacks.lira import log_ratios
from privbench.attacks.logan import Logan
from privbench.attacks.monte_carlo import MonteCarlo
from privbench.attacks.shadow_density import ShadowDensity
from privbench.attacks.synthetic import SyntheticAttack, SyntheticViews, nearest, principal
from privbench.data import Data, DataSpec
from privbench.plugins.builtins import register_attacks

N, FEATURES, CLASSES, MODELS = 24, 24, 3, 40
SPEC = DataSpec("tabular", (FEATURES,), CLASSES)
ATTACKS = [
    Dcr(),
    GanLeaks(),
    GanLeaks(calibrated=False),
    MonteCarlo(),
    Logan(epochs=60),
    Domias(dimensions=24),
    Groundhog(dimensions=30),
    Groundhog(features="naive", dimensions=30),
    ShadowDensity(),
    ShadowDensity(labelled=False, neighbours=2, variance="global"),
]
IDS = [f"{one.name}-{i}" for i, one in enumerate(ATTACKS)]


def records(rng, places):
    """Records that each lie far out in a direction of their place."""
    x = 5 * np.eye(FEATURES)[places] + 0.1 * rng.normal(size=(len(places), FEATURES))
    return Data(x.astype(np.float32), np.asarray(places) % CLASSES, SPEC)


def views(release, seed=0):
    """Populations whose models release ``release(rng, private set)``."""
    rng = np.random.default_rng(seed)
    pool = records(rng, np.arange(N))
    member = np.stack([rng.permutation(N) < N // 2 for _ in range(MODELS)])
    sets = [release(rng, pool.take(np.flatnonzero(row))) for row in member]
    return SyntheticViews(
        records=pool.x,
        labels=pool.y,
        targets=sets,
        shadows=sets,
        shadow_member=member,
        reference=records(rng, np.arange(3 * N) % N),
        rngs=[np.random.default_rng(i) for i in range(MODELS)],
    )


def copies(rng, private):
    return private


def ignores(rng, private):
    return records(rng, rng.integers(0, N, len(private)))


def auc(attack, given):
    return roc_auc_score(given.shadow_member.ravel(), attack.score_all(given).ravel())


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_a_generator_that_copies_is_found_out(attack):
    assert auc(attack, views(copies)) > 0.95


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_a_generator_that_ignores_the_records_is_safe(attack):
    """The mean of four populations, with a standard deviation of about .01."""
    found = np.mean([auc(attack, views(ignores, seed)) for seed in range(4)])
    assert abs(found - 0.5) < 0.05


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_scores_do_not_depend_on_the_targets_own_membership(attack):
    given = views(copies)
    expected = attack.score_all(given)
    for target in (0, 7):
        member = given.shadow_member.copy()
        member[target] = ~member[target]
        again = [np.random.default_rng(i) for i in range(MODELS)]
        lied = replace(given, shadow_member=member, rngs=again)
        np.testing.assert_allclose(attack.score_all(lied)[target], expected[target], atol=1e-5)


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_all_targets_at_once_are_as_one_after_another(attack):
    expected = attack.score_all(views(copies))
    given = views(copies)
    for target in (0, 11):
        found = attack.score(given[target])
        np.testing.assert_allclose(found, expected[target], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_the_order_of_released_records_says_nothing(attack):
    given = views(copies)
    rng = np.random.default_rng(5)
    shuffled = [data.take(rng.permutation(len(data))) for data in given.targets]
    found = attack.score_all(replace(given, targets=shuffled, shadows=shuffled))
    expected = attack.score_all(views(copies))
    if attack.name == "logan":  # its batches come in another order
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_constant_sets_are_no_error():
    same = records(np.random.default_rng(0), np.zeros(12, int))
    given = views(lambda rng, private: same)
    for attack in ATTACKS:
        assert np.isfinite(attack.score_all(given)).all(), attack.name


def test_a_missing_label_is_compared_with_all():
    given = views(lambda rng, private: replace(private, y=np.zeros_like(private.y)))
    assert np.isfinite(ShadowDensity().score_all(given)).all()


@pytest.mark.parametrize("k", [1, 3, 9])
def test_nearest_distances(k):
    rng = np.random.default_rng(0)
    x, others = (rng.normal(size=(n, 2, 3)).astype(np.float32) for n in (50, 7))
    expected = np.sort(cdist(x.reshape(50, 6), others.reshape(7, 6)), axis=1)
    found = nearest(x, others, k, at_once=16)
    assert found.shape == (50, k)
    np.testing.assert_allclose(found[:, :7], expected[:, :k], rtol=1e-5)
    if k > 7:
        np.testing.assert_array_equal(found[:, 7], found[:, 6])
    np.testing.assert_array_equal(nearest(x, x)[:, 0], 0)


def test_principal_components_are_whitened():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))).astype(np.float32)
    ours = principal(x, 3)(x)
    theirs = PCA(3, whiten=True, svd_solver="full").fit_transform(x) * np.sqrt(200 / 199)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)
    assert principal(np.ones((4, 5), np.float32), 3)(x).shape == (200, 1)


def test_the_density_ratio_is_that_of_kernels():
    given = views(ignores)[0]
    project = principal(given.reference.x, 4)
    points, s, r = (
        project(x).astype(float) for x in (given.records, given.synthetic.x, given.reference.x)
    )

    def density(data, width=0.7):
        return logsumexp(-0.5 * (cdist(points, data) / width) ** 2, axis=1) - np.log(len(data))

    found = Domias(dimensions=4, bandwidth=0.7).score(given)
    np.testing.assert_allclose(found, density(s) - density(r), atol=1e-3)


def test_shadow_density_is_lira_on_log_distances():
    given = views(copies)
    closeness = np.empty((MODELS, N))
    for i, data in enumerate(given.targets):
        for j in range(N):
            same = data.x[data.y == given.labels[j]]
            distance = np.sqrt(((same - given.records[j]) ** 2).sum(1)).min()
            closeness[i, j] = -np.log(max(distance, 1e-6))
    expected = log_ratios(closeness, closeness, given.shadow_member, True, "shrunk")
    np.testing.assert_allclose(ShadowDensity().score_all(given), expected, atol=1e-3, rtol=1e-3)


def test_the_mean_over_outsiders_is_without_the_target():
    rng = np.random.default_rng(0)
    values, member = rng.normal(size=(6, 9)), rng.random((6, 9)) < 0.5
    member[:, 0] = True  # a record that is in everywhere
    found = out_mean(values, member, True)
    for i in range(6):
        others = [m for m in range(6) if m != i]
        every = [values[m, j] for j in range(9) for m in others if not member[m, j]]
        for j in range(9):
            own = [values[m, j] for m in others if not member[m, j]]
            assert found[i, j] == pytest.approx(np.mean(own or every))
    np.testing.assert_allclose(out_mean(values[1:], member[1:], False)[0], found[0])


CHANGES = [
    (GanLeaks, "calibrated", [True, False]),
    (MonteCarlo, "dimensions", [2, 20]),
    (MonteCarlo, "neighbours", [1, 12]),
    (Logan, "hidden", [4, 64]),
    (Logan, "epochs", [1, 20]),
    (Logan, "references", [1, 4]),
    (Domias, "dimensions", [2, 20]),
    (Domias, "bandwidth", [0.1, 1.0]),
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
    own = [cls for cls in registered if issubclass(cls, SyntheticAttack)]
    assert set(own) == {type(attack) for attack in ATTACKS}
    every = {(cls, name) for cls in own for name in cls.model_fields}
    assert {(cls, name) for cls, name, _ in CHANGES} == every


@pytest.mark.parametrize(("cls", "name", "choices"), CHANGES)
def test_each_parameter_matters(cls, name, choices):
    def near(rng, private):
        """Twice as many records as there are private ones, around them."""
        places = np.tile(np.arange(len(private)), 2)
        noise = rng.normal(size=(len(places), FEATURES)).astype(np.float32)
        return Data(private.x[places] + 2 * noise, private.y[places], SPEC)

    scores = [cls(**{name: choice}).score_all(views(near)) for choice in choices]
    for i, one in enumerate(scores):
        for other in scores[:i]:
            assert np.mean(~np.isclose(one, other, rtol=1e-3)) > 0.05
