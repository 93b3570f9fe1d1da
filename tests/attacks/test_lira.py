"""LiRA: against loops from the paper, closed forms, and for records without IN or OUT shadows."""

import statistics
from math import erfc, log, pi, sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import norm
from scipy.stats import t as student

from privbench.attacks import moments
from privbench.attacks.lira import Lira

from .helpers import (
    auc,
    null_band,
    outputs_of_phi,
    random_population,
    tpr_at,
    view_of,
    views_of,
)

VARIANCES = ["per-record", "global", "shrunk"]


def log_normal(value, mean, variance):
    return -0.5 * log(2 * pi * variance) - (value - mean) ** 2 / (2 * variance)


def pvariance(values):
    return statistics.fmean((v - statistics.fmean(values)) ** 2 for v in values)


def values_of(view, side):
    """Return, for each record, phi under its IN (``side``) or its OUT shadows."""
    shadows = view.shadows.scaled_confidence(view.labels)
    return [
        [s[i] for s, m in zip(shadows, view.shadow_member, strict=True) if m[i] == side]
        for i in range(len(view.labels))
    ]


def slow_lira(view, mode, variance):
    """Compute the formulas for records with at least two IN and two OUT shadows."""
    phi = view.target.scaled_confidence(view.labels)
    sides = []
    for values in (values_of(view, True), values_of(view, False)):
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


def shrunk_variances(values):
    """Return the posterior scale and freedom of each record's variance (Smyth 2004, section 6)."""
    usable = [v for v in values if len(v) >= 2]
    freedom = np.array([len(v) - 1 for v in usable])
    logs = np.log([statistics.variance(v) for v in usable])
    shifted = logs - digamma(freedom / 2) + np.log(freedom / 2)
    between = np.var(shifted) - np.mean(polygamma(1, freedom / 2))
    d0 = 2 * brentq(lambda y: polygamma(1, y) - between, 1e-6, 1e6)
    common = np.exp(np.mean(shifted) + digamma(d0 / 2) - np.log(d0 / 2))
    scales, freedoms = [], []
    for of in values:
        squares = len(of) * pvariance(of) if of else 0.0
        freedoms.append(d0 + max(len(of) - 1, 0))
        scales.append((d0 * common + squares) / freedoms[-1])
    return scales, freedoms


def slow_shrunk(view, mode):
    """Compute the predictive densities; records may lack IN or OUT shadows."""
    phi = view.target.scaled_confidence(view.labels)
    sides = [values_of(view, True), values_of(view, False)]
    shrunk = [shrunk_variances(values) for values in sides]
    if mode == "offline":
        typical = statistics.fmean(statistics.fmean(out) for out in sides[1] if out)
        return [
            student.logcdf(
                p,
                d,
                loc=statistics.fmean(out) if out else typical,
                scale=sqrt(s * (1 + 1 / max(len(out), 1))),
            )
            for p, out, s, d in zip(phi, sides[1], *shrunk[1], strict=True)
        ]
    both = [i for i in range(len(phi)) if sides[0][i] and sides[1][i]]
    gaps = [statistics.fmean(sides[0][i]) - statistics.fmean(sides[1][i]) for i in both]
    noise = [shrunk[k][0][i] / len(sides[k][i]) for i in both for k in (0, 1)]
    gap, gap_variance = statistics.fmean(gaps), max(pvariance(gaps) - sum(noise) / len(both), 0)
    scores = np.zeros(len(phi))
    for i, p in enumerate(phi):
        for k, sign in ((0, 1), (1, -1)):
            votes = []  # centre and variance from each side
            if own := sides[k][i]:
                votes.append((statistics.fmean(own), shrunk[k][0][i] / len(own)))
            if other := sides[1 - k][i]:
                error = shrunk[1 - k][0][i] / len(other) + gap_variance
                votes.append((statistics.fmean(other) + sign * gap, error))
            precision = sum(1 / v for _, v in votes)
            centre = sum(c / v for c, v in votes) / precision
            spread = sqrt(shrunk[k][0][i] + 1 / precision)
            scores[i] += sign * student.logpdf(p, shrunk[k][1][i], loc=centre, scale=spread)
    return scores


def known_gaussians(n_models=401, n=500, gap=1.0, seed=1):
    """Return a population in which phi of record i is N(c_i + gap, 1) IN and N(c_i, 1) OUT."""
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n)) < 0.5
    phi = rng.normal(size=(n_models, n)) + 5 * rng.normal(size=n) + gap * member
    return outputs_of_phi(phi), np.zeros(n, dtype=np.int64), member


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", ["global", "per-record"])
def test_slow_reference(mode, variance):
    models, labels, member = random_population(n_models=17, n=60)
    member[1:5] = [[True], [True], [False], [False]]  # two shadows on each side for every record
    view = view_of(models, labels, member)
    scores = Lira(mode=mode, variance=variance).score(view)
    np.testing.assert_allclose(scores, slow_lira(view, mode, variance), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("n_models", [4, 12])
@pytest.mark.parametrize("chunk", [2**18, 50])
def test_slow_reference_of_shrunk(mode, n_models, chunk, monkeypatch):
    """With four models, many records lack IN or OUT shadows."""
    monkeypatch.setattr(moments, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    member = rng.random((n_models, 60)) < 0.5
    spread, gaps = np.exp(rng.normal(size=60)), 1 + rng.normal(size=60)
    phi = spread * rng.normal(size=member.shape) + gaps * member + 5 * rng.normal(size=60)
    views = views_of(outputs_of_phi(phi), np.zeros(60, dtype=np.int64), member)
    scores = Lira(mode=mode, variance="shrunk").score_all(views)
    for target_scores, view in zip(scores, views, strict=True):
        np.testing.assert_allclose(target_scores, slow_shrunk(view, mode), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", VARIANCES)
def test_one_chunk_or_many(mode, variance, monkeypatch):
    attack = Lira(mode=mode, variance=variance)
    views = views_of(*random_population(n_models=4, n=90))
    at_once = attack.score_all(views)
    monkeypatch.setattr(moments, "CHUNK", 64)
    np.testing.assert_allclose(attack.score_all(views), at_once, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_gaussians_of_known_separation(mode, variance, gap):
    models, labels, member = known_gaussians(gap=gap)
    truth = member[:30]
    views = views_of(models[:30], labels, member[30:], shadows=models[30:], leave_one_out=False)
    scores = Lira(mode=mode, variance=variance).score_all(views)
    # Two unit normals `gap` apart: AUC = Phi(gap / sqrt 2), TPR = Phi(gap - z) at FPR = 1 - Phi(z).
    band = null_band(truth.sum(), (~truth).sum())
    assert auc(scores, truth) == pytest.approx(norm.cdf(gap / sqrt(2)), abs=band)
    assert tpr_at(scores, truth, 0.01) == pytest.approx(norm.cdf(gap - norm.isf(0.01)), abs=0.03)


def auc_by_variance(views, truth, mode="online"):
    return {
        variance: auc(Lira(mode=mode, variance=variance).score_all(views), truth)
        for variance in VARIANCES
    }


def simulated(rng, n_models, n, gap, spread):
    """Return views of records whose log standard deviations are N(0, spread^2), and the membership."""
    member = rng.random((n_models, n)) < 0.5
    deviation = np.exp(spread * rng.normal(size=n))
    phi = deviation * rng.normal(size=member.shape) + 5 * rng.normal(size=n) + gap * member
    return views_of(outputs_of_phi(phi), np.zeros(n, dtype=np.int64), member), member


def test_global_wins_with_few_shadows_and_equal_variances():
    aucs = auc_by_variance(*simulated(np.random.default_rng(1), 9, 4000, gap=2.0, spread=0.0))
    assert aucs["global"] > aucs["per-record"] + 0.02


def test_per_record_wins_with_many_shadows_where_variances_differ():
    aucs = auc_by_variance(*simulated(np.random.default_rng(0), 101, 500, gap=1.0, spread=1.5))
    assert aucs["per-record"] > aucs["global"] + 0.02
    assert aucs["shrunk"] > aucs["per-record"]


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_shrunk_wins_with_eight_shadows_whether_variances_differ_or_not(mode, spread):
    rng = np.random.default_rng(0)
    draws = [
        auc_by_variance(*simulated(rng, 9, 1500, gap=1.5, spread=spread), mode) for _ in range(4)
    ]
    mean = {variance: np.mean([draw[variance] for draw in draws]) for variance in VARIANCES}
    assert mean["shrunk"] > max(mean["global"], mean["per-record"])


def test_shrunk_is_far_better_than_both_where_variances_differ():
    aucs = auc_by_variance(*simulated(np.random.default_rng(0), 9, 4000, gap=1.5, spread=1.0))
    assert aucs["shrunk"] > max(aucs["global"], aucs["per-record"]) + 0.03


def small_view(phi, member):
    """Return a view in which the first row is the target."""
    phi, member = np.array(phi, dtype=float), np.array(member, dtype=bool)
    return view_of(outputs_of_phi(phi), np.zeros(phi.shape[1], dtype=np.int64), member)


def test_a_missing_centre_is_the_opposite_one_with_the_mean_gap():
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


def test_with_one_shadow_shrunk_is_global_with_the_uncertainty_of_its_centres():
    """No record has two shadows: the gap and the variances are those of all IN and all OUT values."""
    phi, member = [[0, 5, 2, 7], [3, 1, 6, 2]], [[0, 0, 0, 0], [1, 0, 1, 0]]
    scores = Lira(variance="shrunk").score(small_view(phi, member))
    gap, var_in, var_out = (3 + 6) / 2 - (1 + 2) / 2, np.var([3, 6]), np.var([1, 2])
    expected = []
    for p, value, is_in in zip(*phi, member[1], strict=True):
        centre_in, centre_out = (value, value - gap) if is_in else (value + gap, value)
        uncertain = var_in if is_in else var_out  # of the one value that both centres rest on
        expected.append(
            log_normal(p, centre_in, var_in + uncertain)
            - log_normal(p, centre_out, var_out + uncertain)
        )
    np.testing.assert_allclose(scores, expected, rtol=1e-2)


@pytest.mark.parametrize("n_models", [2, 3, 5])
def test_shrunk_loses_to_neither_with_very_few_shadows(n_models):
    aucs = auc_by_variance(*simulated(np.random.default_rng(0), n_models, 4000, 1.5, 0.5))
    assert aucs["shrunk"] > max(aucs["global"], aucs["per-record"]) - 0.005


def test_offline_does_not_use_in_shadows():
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
