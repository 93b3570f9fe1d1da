"""LiRA against loops written from the paper, against closed forms, and with records that lack a side."""

import statistics
from math import erfc, log, pi, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from privbench.attacks.lira import Lira

from .helpers import answers_with_phi, auc, null_band, random_population, tpr_at, view_of


def log_normal(value, mean, variance):
    return -0.5 * log(2 * pi * variance) - (value - mean) ** 2 / (2 * variance)


def pvariance(values):
    return statistics.fmean((v - statistics.fmean(values)) ** 2 for v in values)


def slow_lira(view, mode, variance):
    """The formulas, record by record; every record has two shadows or more on each side."""
    phi = view.target.scaled_confidence(view.labels)
    shadows = view.shadows.scaled_confidence(view.labels)
    sides = []
    for side in (True, False):
        values = [
            [s[i] for s, m in zip(shadows, view.shadow_member, strict=True) if m[i] == side]
            for i in range(len(phi))
        ]
        squares = [(v - statistics.fmean(of)) ** 2 for of in values for v in of]
        common = statistics.fmean(squares)
        if variance == "global":
            sides.append([(statistics.fmean(of), common) for of in values])
        else:
            sides.append([(statistics.median(of), pvariance(of)) for of in values])
    if mode == "offline":
        return [
            log(0.5 * erfc(-(p - m) / sqrt(2 * v))) for p, (m, v) in zip(phi, sides[1], strict=True)
        ]
    return [log_normal(p, *i) - log_normal(p, *o) for p, i, o in zip(phi, *sides, strict=True)]


def known_gaussians(n_models=401, n=500, gap=1.0, seed=1):
    """Phi of record i is N(c_i + gap, 1) IN and N(c_i, 1) OUT."""
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n)) < 0.5
    phi = rng.normal(size=(n_models, n)) + 5 * rng.normal(size=n) + gap * member
    return answers_with_phi(phi), np.zeros(n, dtype=np.int64), member


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", ["global", "per-record"])
def test_slow_reference(mode, variance):
    models, labels, member = random_population(n_models=17, n=60)
    member[1:5] = [[True], [True], [False], [False]]  # two shadows on each side for every record
    view = view_of(models, labels, member)
    scores = Lira(mode=mode, variance=variance).score(view)
    np.testing.assert_allclose(scores, slow_lira(view, mode, variance), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", ["global", "per-record"])
@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_gaussians_of_known_separation(mode, variance, gap):
    models, labels, member = known_gaussians(gap=gap)
    attack = Lira(mode=mode, variance=variance)
    truth = member[:30]
    scores = np.array([attack.score(view_of(models, labels, member, t)) for t in range(30)])
    # Two unit normals `gap` apart: AUC = Phi(gap / sqrt 2), TPR = Phi(gap - z) at FPR = 1 - Phi(z).
    band = null_band(truth.sum(), (~truth).sum())
    assert auc(scores, truth) == pytest.approx(norm.cdf(gap / sqrt(2)), abs=band)
    assert tpr_at(scores, truth, 0.01) == pytest.approx(norm.cdf(gap - norm.isf(0.01)), abs=0.03)


def test_global_wins_with_few_shadows_and_equal_variances():
    models, labels, member = known_gaussians(n_models=9, n=4000, gap=2.0)
    views = [view_of(models, labels, member, t) for t in range(9)]
    by_variance = {
        variance: auc(np.array([Lira(variance=variance).score(v) for v in views]), member)
        for variance in ("global", "per-record")
    }
    assert by_variance["global"] > by_variance["per-record"] + 0.02


def test_per_record_wins_where_variances_differ():
    rng = np.random.default_rng(0)
    n = 500
    member = rng.random((201, n)) < 0.5
    spread = np.exp(1.5 * rng.normal(size=n))
    models = answers_with_phi(rng.normal(size=member.shape) * spread + member)
    views = [view_of(models, np.zeros(n, dtype=np.int64), member, t) for t in range(20)]
    by_variance = {
        variance: auc(np.array([Lira(variance=variance).score(v) for v in views]), member[:20])
        for variance in ("global", "per-record")
    }
    assert by_variance["per-record"] > by_variance["global"] + 0.02


def small_view(phi, member):
    """The first row is the target."""
    phi, member = np.array(phi, dtype=float), np.array(member, dtype=bool)
    return view_of(answers_with_phi(phi), np.zeros(phi.shape[1], dtype=np.int64), member)


def test_a_missing_centre_is_the_other_sides_with_the_mean_gap():
    # Record 0 has both sides, 3 apart; record 1 has OUT only, at 1, so that its IN centre is 4;
    # record 2 has IN only, at 2, so that its OUT centre is -1.
    view = small_view(
        phi=[[0, 4, -1], [3, 1, 2], [0, 1, 2]],
        member=[[0, 0, 0], [1, 0, 1], [0, 0, 1]],
    )
    scores = Lira(variance="global").score(view)
    # No record has two different values on one side: the variance is that of all values of the side.
    var_in, var_out = np.var([3, 2, 2]), np.var([0, 1, 1])
    expected = [
        log_normal(p, c_in, var_in) - log_normal(p, c_out, var_out)
        for p, c_in, c_out in [(0, 3, 0), (4, 4, 1), (-1, 2, -1)]
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_offline_never_looks_at_in_shadows():
    models, labels, member = random_population(n_models=6, n=80)
    member[1:, 0] = True  # record 0 has no OUT shadow
    view = view_of(models, labels, member)
    phi = view.shadows.scaled_confidence(labels)
    before = Lira(mode="offline", variance="per-record").score(view)
    view.shadows.log_probs[view.shadow_member] = view.shadows.log_probs[view.shadow_member][:, ::-1]
    assert not np.allclose(view.shadows.scaled_confidence(labels), phi)
    np.testing.assert_array_equal(Lira(mode="offline", variance="per-record").score(view), before)


def test_a_single_value_or_equal_values_take_the_global_variance():
    phi = [[1, 1, 1], [0, 0, 5], [2, 0, 5], [4, 0, 5], [6, 0, 9]]
    member = [[0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1]]
    centre_out, centre_in = [1, 0, 5], [5, 0, 5]
    # OUT: record 0 spreads by 1, record 1 not at all, record 2 has one value: pooled over 0 and 1.
    out, into = (1 + 0) * 2 / 4, (2 * 1 + 0 + (2 * (4 / 3) ** 2 + (8 / 3) ** 2)) / 7
    var_out, var_in = [1, out, out], [1, into, np.var([5, 5, 9])]
    expected = [
        log_normal(1, ci, vi) - log_normal(1, co, vo)
        for ci, vi, co, vo in zip(centre_in, var_in, centre_out, var_out, strict=True)
    ]
    scores = Lira(variance="per-record").score(small_view(phi, member))
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_nearly_equal_values_do_not_make_a_record_certain():
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(9, 50))
    member = np.arange(9)[:, None] % 2 * np.ones((1, 50))
    phi[2::2, 0] = 1 + 1e-5 * np.arange(4)  # the OUT shadows are far more alike than any others
    phi[0, 0] = 3.0
    scores = Lira(variance="per-record").score(small_view(phi, member))
    assert (
        1e5 < scores[0] < 1e7
    )  # with a variance of 1e-6 times the global one; without a floor 1e10
