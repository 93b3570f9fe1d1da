"""Groups of models that are left out together: against loops, without signal, and at known signal."""

import numpy as np
import pytest
from scipy.stats import norm, t

from privbench.metrics import LeftOutScores, auc, record_auc, tpr_at_fpr
from privbench.metrics.left_out import redrawn


def likelihood_ratio(confidence, member):
    """Return an attack: normals fitted to a record's confidences, IN and OUT of the shadows."""

    def score(targets, shadows):
        value, side = confidence[shadows], member[shadows]
        log_density = []
        for chosen in (side, ~side):
            count = np.maximum(chosen.sum(axis=0), 1)
            mean = (value * chosen).sum(axis=0) / count
            variance = ((value - mean) ** 2 * chosen).sum(axis=0) / count + 0.1
            log_density.append(
                -np.log(variance) / 2 - (confidence[targets] - mean) ** 2 / (2 * variance)
            )
        return log_density[0] - log_density[1]

    return score


def leave_one_out(score, n_models):
    models = np.arange(n_models)
    return np.concatenate([score(np.array([i]), models[models != i]) for i in models])


@pytest.mark.parametrize("n_models", [4, 5, 7, 16, 23])
def test_groups_are_scored_by_all_other_models_and_by_no_other(n_models, rng):
    asked = []

    def score(targets, shadows):
        asked.append((tuple(targets), tuple(shadows)))
        return np.tile(targets[:, None].astype(float), (1, 3))

    left_out = LeftOutScores.of(score, n_models, rng)
    for targets, shadows in asked:
        assert sorted(targets + shadows) == list(range(n_models))
        assert len(targets) > 1
        assert len(shadows) > 1
    assert (left_out.scores == np.arange(n_models)[:, None]).all()  # each model has its own scores
    for of_round in left_out.group:
        groups = {tuple(np.flatnonzero(of_round == g)) for g in np.unique(of_round)}
        assert groups <= {targets for targets, _ in asked}


@pytest.mark.parametrize(("n_models", "rounds"), [(4, 4), (16, 4), (64, 2), (200, 1)])
def test_many_models_need_few_rounds(n_models, rounds, rng):
    left_out = LeftOutScores.of(lambda targets, _: np.zeros((len(targets), 1)), n_models, rng)
    assert left_out.scores.shape == (rounds, n_models, 1)


def test_the_auc_of_a_record_counts_the_pairs_within_groups(rng):
    member = rng.random((9, 20)) < 0.5
    scores = rng.integers(0, 4, size=(2, 9, 20)).astype(float)  # with ties
    group = np.array([[0, 1, 2] * 3, [0] * 3 + [1] * 6])
    left_out = LeftOutScores(scores, group)
    found = left_out.record_auc(member)
    for record in range(20):
        wins = [
            (s[i, record] > s[j, record]) + 0.5 * (s[i, record] == s[j, record])
            for s, g in zip(scores, group, strict=True)
            for i in range(9)
            for j in range(9)
            if g[i] == g[j] and member[i, record] and not member[j, record]
        ]
        assert left_out.pairs(member)[record] == len(wins)
        assert found[record] == pytest.approx(np.mean(wins))


def test_without_shadows_it_is_the_ordinary_auc(rng):
    member, scores = rng.random((8, 30)) < 0.5, rng.normal(size=(8, 30))
    found = LeftOutScores.without_shadows(scores).record_auc(member)
    np.testing.assert_allclose(found, record_auc(scores, member))


def test_minus_the_number_of_shadows_with_a_record_says_nothing_about_it(rng):
    member = rng.random((16, 200)) < 0.5

    def count(targets, shadows):
        return np.tile(-member[shadows].sum(axis=0).astype(float), (len(targets), 1))

    assert (record_auc(leave_one_out(count, 16), member) == 1).all()  # the artefact
    left_out = LeftOutScores.of(count, 16, rng)
    assert (left_out.record_auc(member) == 0.5).all()
    assert auc(left_out.calibrated(member), member) == pytest.approx(0.5, abs=0.03)


def test_without_signal_records_are_at_chance_although_leaving_one_out_is_not(rng):
    member = rng.random((16, 1500)) < 0.5
    score = likelihood_ratio(rng.normal(size=member.shape), member)
    left_out = LeftOutScores.of(score, 16, rng)
    assert left_out.record_auc(member).mean() == pytest.approx(0.5, abs=0.02)
    alone = leave_one_out(score, 16)
    assert record_auc(alone, member).mean() < 0.42
    calibrated = left_out.calibrated(member)
    assert tpr_at_fpr(calibrated, member, 0.01) == pytest.approx(0.01, abs=0.005)
    of_one = LeftOutScores.without_shadows(alone).calibrated(member)
    assert tpr_at_fpr(of_one, member, 0.01) < 0.004


def test_membership_that_is_drawn_anew_spreads_records_as_no_signal_does(rng):
    member = rng.random((16, 1500)) < 0.5
    confidence = rng.normal(size=member.shape)
    left_out = LeftOutScores.of(likelihood_ratio(confidence, member), 16, rng)
    other = redrawn(member, rng)
    assert (other.sum(axis=0) == member.sum(axis=0)).all()
    assert (other != member).mean() == pytest.approx(0.5, abs=0.05)
    by_chance = LeftOutScores.of(likelihood_ratio(confidence, other), 16, rng).record_auc(other)
    found = left_out.record_auc(member)
    assert np.std(by_chance) == pytest.approx(np.std(found), rel=0.1)
    assert np.quantile(by_chance, 0.98) == pytest.approx(np.quantile(found, 0.98), abs=0.05)
    # Labels that are drawn anew for the same scores would spread less.
    assert np.std(left_out.record_auc(other)) < 0.85 * np.std(found)


def test_calibrated_scores_are_those_of_students_t(rng):
    member, scores = rng.random((6, 40)) < 0.4, rng.normal(size=(6, 40))
    found = LeftOutScores.without_shadows(scores).calibrated(member)
    for target, record in np.ndindex(6, 40):
        others = [scores[k, record] for k in range(6) if k != target and not member[k, record]]
        if len(others) < 2:
            continue
        k, s = len(others), np.std(others, ddof=1)
        expected = (scores[target, record] - np.mean(others)) / (s * np.sqrt(1 + 1 / k))
        quantile = norm.ppf(t.cdf(expected, k - 1))
        assert found[target, record] == pytest.approx(quantile, abs=1e-6)


def test_location_and_scale_of_a_records_scores_do_not_matter(rng):
    member, scores = rng.random((16, 50)) < 0.5, rng.normal(size=(16, 50))
    scaled = scores * np.exp(rng.normal(size=50)) + 10 * rng.normal(size=50)
    first, second = (LeftOutScores.without_shadows(s).calibrated(member) for s in (scores, scaled))
    np.testing.assert_allclose(first, second, atol=1e-7)


def test_normal_scores_without_signal_are_standard_normal_for_every_record(rng):
    member = rng.random((64, 800)) < 0.5
    scores = rng.normal(size=member.shape) * np.exp(rng.normal(size=800)) + rng.normal(size=800)
    called = LeftOutScores.without_shadows(scores).calibrated(member) > norm.ppf(0.95)
    easy, hard = np.array_split(np.argsort(scores.std(axis=0)), 2)
    assert called[:, easy].mean() == pytest.approx(0.05, abs=0.006)
    assert called[:, hard].mean() == pytest.approx(0.05, abs=0.006)


def test_scores_that_hardly_vary_are_finite(rng):
    member = rng.random((5, 300)) < 0.5
    for scores in (np.zeros((5, 300)), (rng.random((5, 300)) < 0.1).astype(float)):
        calibrated = LeftOutScores.without_shadows(scores).calibrated(member)
        assert np.isfinite(calibrated).all()
    everywhere = np.ones((5, 300), dtype=bool)
    assert np.isfinite(LeftOutScores.without_shadows(scores).calibrated(everywhere)).all()
