"""Auto: not below the best of its members where one of them is best, and blind to its own row."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks import auto
from privbench.attacks.auto import Auto, distances, steady
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.outputs import Outputs
from privbench.attacks.rmia import Rmia

from .helpers import auc, null_band, outputs_of_logits, outputs_of_phi, random_population, views_of

N_MODELS, N, REFERENCES = 16, 1000, 100
MEMBERS = (Lira(), Lira(variance="global"), Rmia(), Loss(), LabelOnly())


def population(phi_of, seed=0, n_models=N_MODELS):
    """Return two-class outputs for records of class 0, with phi drawn by ``phi_of(rng, member)``."""
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, N + REFERENCES)) < 0.5
    member[:, N:] = False
    return outputs_of_phi(phi_of(rng, member)), np.zeros(N + REFERENCES, int), member


def of_very_different_spread(rng, member):
    """The variance is the record's own, and known to shadows only."""
    spread = np.exp(rng.normal(scale=1.5, size=member.shape[1]))
    return rng.normal(0, 4, member.shape[1]) + spread * (
        rng.normal(size=member.shape) + 1.5 * member
    )


def of_one_threshold(rng, member):
    """Records do not differ, and members are more confident: shadows of each record say nothing."""
    return rng.normal(size=member.shape) + 1.0 * member


def with_noise(rng, member):
    """What answers say is mostly noise."""
    return rng.normal(0, 2, member.shape[1]) + member + rng.normal(0, 3, size=member.shape)


def rounded(rng, member):
    """Few values are told."""
    phi = rng.normal(0, 2, member.shape[1]) + 2 * member + rng.normal(0, 1, size=member.shape)
    return np.round(phi / 3) * 3


PROBLEMS = [of_very_different_spread, of_one_threshold, with_noise, rounded]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("queries", [True, False])
def test_it_is_not_below_its_best_member(problem, queries):
    models, labels, member = population(problem)
    views = views_of(models, labels, member, references=REFERENCES)
    if not queries:
        views = dataclasses.replace(views, target_models=(), shadow_models=())
    areas = {
        str((attack.name, attack.params())): auc(attack.score_all(views), member[:, :N])
        for attack in MEMBERS
        if queries or not attack.needs_models()
    }
    assert max(areas.values()) > 0.55, "a problem in which something can be learned"
    assert auc(Auto().score_all(views), member[:, :N]) > max(areas.values()) - 0.005, areas


def hidden(models):
    """Outputs of a defense that tells the predicted class only."""
    log_probs = np.full(models.log_probs.shape, -np.inf, dtype=np.float32)
    np.put_along_axis(log_probs, models.predicted[..., None], 0.0, axis=-1)
    return Outputs(models.predicted, log_probs)


def test_it_queries_noisy_copies_where_confidences_are_hidden():
    models, labels, member = population(
        lambda rng, m: rng.normal(0, 1, m.shape[1]) + 2 * m + 0.3 * rng.normal(size=m.shape)
    )
    views = views_of(models, labels, member, references=REFERENCES)
    answers = hidden(views.targets)
    references = hidden(views.target_reference)
    views = dataclasses.replace(
        views,
        targets=answers,
        shadows=answers,
        target_reference=references,
        shadow_reference=references,
    )
    truth = member[:, :N]
    blind = dataclasses.replace(views, target_models=(), shadow_models=())
    area = auc(Auto().score_all(views), truth)
    assert area > auc(LabelOnly().score_all(views), truth) - 0.005
    assert area > auc(Auto().score_all(blind), truth) + 0.05


@pytest.mark.parametrize("seed", range(3))
def test_without_signal_it_is_at_chance(seed):
    models, labels, member = random_population(
        n_models=N_MODELS, n=N, signal=0.0, seed=seed, references=REFERENCES
    )
    scores = Auto().score_all(views_of(models, labels, member, references=REFERENCES))
    truth = member[:, :N]
    assert abs(auc(scores, truth) - 0.5) < null_band(truth.sum(), (~truth).sum())


@pytest.mark.parametrize("target", [0, 5])
@pytest.mark.parametrize("naive", [False, True])
def test_a_targets_row_changes_none_of_its_scores(target, naive):
    models, labels, member = random_population(n_models=9, n=200, references=REFERENCES)
    shadows = (
        random_population(n_models=9, n=200, references=REFERENCES, seed=4)[0] if naive else None
    )
    changed = member.copy()
    changed[target] = ~changed[target]
    changed[:, 200:] = False
    before, after = (
        Auto().score_all(views_of(models, labels, rows, references=REFERENCES, shadows=shadows))
        for rows in (member, changed)
    )
    np.testing.assert_array_equal(before[target], after[target])
    assert not np.array_equal(before, after)


def test_it_needs_neither_models_nor_records_nor_reference_records():
    models, labels, member = random_population(n_models=9, n=300, signal=2.0)
    views = dataclasses.replace(
        views_of(models, labels, member),
        records=None,
        reference_records=None,
        target_models=(),
        shadow_models=(),
    )
    assert Auto().obstacle(views) == ""
    assert auc(Auto().score_all(views), member) > auc(Lira().score_all(views), member) - 0.005
    assert "shadows" in Auto().obstacle(views_of(models[:1], labels, member[:1]))


@pytest.mark.parametrize("n_models", [2, 3, 5])
def test_with_few_shadows_it_is_lira(n_models):
    models, labels, member = random_population(n_models=n_models, n=100, references=REFERENCES)
    views = views_of(models, labels, member, references=REFERENCES)
    np.testing.assert_array_equal(Auto().score_all(views), Lira().score_all(views))


def test_more_pairs_than_are_needed_are_thinned(monkeypatch):
    views = views_of(*random_population(n_models=9, n=400, signal=2.0))
    member = views.shadow_member
    all_pairs = Auto().score_all(views)
    monkeypatch.setattr(auto, "MAX_ROWS", 1000)
    thinned = Auto().score_all(views)
    assert not np.array_equal(thinned, all_pairs)
    assert auc(thinned, member) > auc(all_pairs, member) - 0.03


def test_the_same_views_give_the_same_scores():
    first, second = (
        Auto().score_all(views_of(*random_population(n_models=9, n=200))) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_labels_of_two_kinds_of_records_are_told_apart():
    """Per class, membership shows in another way: confidence rises in one, and falls in the other."""
    rng = np.random.default_rng(0)
    labels, member = np.arange(600) % 2, rng.random((N_MODELS, 600)) < 0.5
    effect = np.where(labels == 0, 1.5, -1.5)
    logits = np.zeros((N_MODELS, 600, 2))
    phi = np.where(labels == 0, 6, 0) + effect * member + rng.normal(size=member.shape)
    logits[:, np.arange(600), labels] = phi
    views = views_of(outputs_of_logits(logits), labels, member)
    assert (
        auc(Auto().score_all(views), member)
        > max(
            auc(attack.score_all(views), member)
            for attack in (Lira(), Loss(), Rmia())
            if not attack.obstacle(views)
        )
        - 0.005
    )
    assert auc(Auto().score_all(views), member) > 0.8


def test_distances_slow_reference():
    rng = np.random.default_rng(0)
    phi, member = rng.normal(size=(6, 30)), rng.random((6, 30)) < 0.5
    distance, in_sds, in_variances = distances(phi, phi, member, True)
    for target in range(6):
        others = np.arange(6) != target
        middle, variance, weight = np.full((3, 30), np.nan)
        for i in range(30):
            sides = [phi[others & (member[:, i] == side), i] for side in (True, False)]
            weight[i] = max(sum(map(len, sides)) - 2, 0)
            squares = sum(((x - x.mean()) ** 2).sum() for x in sides if len(x))
            variance[i] = squares / max(weight[i], 1)
            if all(map(len, sides)):
                middle[i] = (sides[0].mean() + sides[1].mean()) / 2
        both = ~np.isnan(middle)
        assert both.sum() > 15
        typical = np.median(variance) + 1e-6
        shrunk = (weight * variance + auto.PRIOR_FREEDOM * typical) / (weight + auto.PRIOR_FREEDOM)
        expected = phi[target] - middle
        np.testing.assert_allclose(distance[target, both], expected[both])
        np.testing.assert_allclose(in_sds[target], distance[target] / np.sqrt(shrunk))
        np.testing.assert_allclose(in_variances[target], distance[target] / shrunk)


def test_a_missing_side_is_taken_to_be_the_mean_gap_away():
    phi = np.array([[0.0, 5.0], [2.0, 7.0], [4.0, 9.0]])
    member = np.array([[False, False], [True, False], [True, False]])  # the second is never IN
    distance, *_ = distances(np.zeros((1, 2)), phi, member, False)
    np.testing.assert_allclose(distance, [[-(3 + 0) / 2, -(7 + 3 / 2)]])


def test_features_that_drift_are_left_out():
    rng = np.random.default_rng(0)
    shadows, targets = rng.normal(size=(10, 500, 4)), rng.normal(size=(2, 500, 4))
    assert steady(shadows, targets).all()
    targets[0, :, 1] += 2.0
    targets[1, :, 2] *= 5.0
    np.testing.assert_array_equal(
        steady(shadows, targets), [[True, False, True, True], [True, True, False, True]]
    )
    np.testing.assert_array_equal(steady(shadows, 9 + 9 * targets)[:, 0], [True, True])
    assert not steady(shadows, 9 + 9 * targets)[:, 1:].any()


def test_the_mean_of_few_scores_serves_where_there_is_little_to_learn():
    """One score tells something, and many say nothing: with few records, the mean comes closer."""
    rng = np.random.default_rng(1)
    areas = {}
    for penalties in ((1e-3,), (1e6,)):
        areas[penalties] = []
        for _ in range(20):
            member = rng.random((8, 15)) < 0.5
            features = rng.normal(size=(8, 15, 30))
            features[..., :4] += 0.5 * member[..., None]
            truth = rng.random((1, 4000)) < 0.5
            of_target = rng.normal(size=(1, 4000, 30))
            of_target[..., :4] += 0.5 * truth[..., None]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(auto, "PENALTIES", penalties)
                scores = auto._regression(features, member, of_target, 4)
            areas[penalties].append(auc(scores, truth))
    free, shrunk = (np.mean(area) for area in areas.values())
    assert shrunk > free + 0.02
