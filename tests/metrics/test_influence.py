"""Influences of pairs: slow references, closed forms, invariances and degenerate cases."""

import numpy as np
import pytest
from scipy.stats import norm

from privbench.metrics import Influences, Pairs, Roc, auc, tpr_at_fpr
from privbench.metrics.clustered import clustered_variance
from privbench.metrics.influence import auc_influence, roc_slope, tpr_influence

from . import reference
from .populations import leave_one_out_ratios, random_population


def of_tpr(scores, member, fpr):
    return tpr_influence(scores, member, Roc.of(Pairs.of(scores, member)), fpr)


def weighted_tpr(scores, member, weights, fpr):
    """Return the TPR of weighted pairs where the weighted FPR crosses ``fpr``, interpolated."""
    order = np.argsort(-scores, axis=None)
    inside, weight = member.reshape(-1)[order], weights.reshape(-1)[order]
    true, false = np.cumsum(weight * inside), np.cumsum(weight * ~inside)
    return np.interp(fpr, false / false[-1], true / true[-1])


@pytest.mark.parametrize("decimals", [None, 0])
def test_leaving_a_pair_out_moves_the_auc_by_its_influence(rng, decimals):
    """The AUC is linear in the placements of one kind of pairs, so that this is exact."""
    scores, member = random_population(rng, decimals, n_models=3, n_records=20)
    psi = auc_influence(scores, member)
    scores, member, psi = (x.reshape(-1) for x in (scores, member, psi))
    for pair in range(scores.size):
        rest = np.arange(scores.size) != pair
        n = (member == member[pair]).sum()
        change = reference.auc(scores, member) - reference.auc(scores[rest], member[rest])
        assert psi[pair] == pytest.approx(change * (n - 1) / n, abs=1e-12)


@pytest.mark.parametrize("fpr", [0.02, 0.1, 0.5])
def test_more_weight_for_some_pairs_moves_the_tpr_by_their_influence(rng, fpr):
    """The derivative is that by all pairs of some models, members and non-members apart."""
    member = rng.random((40, 2000)) < 0.5
    scores = rng.normal(size=member.shape) + member * np.linspace(0, 2, 40)[:, None]
    psi, h = of_tpr(scores, member, fpr), 0.2
    for half in (slice(0, 20), slice(20, 40)):
        for side in (member, ~member):
            moved = np.zeros(member.shape)
            moved[half] = h * side[half]
            ends = [weighted_tpr(scores, member, 1 + s * moved, fpr) for s in (-1, 1)]
            expected = (ends[1] - ends[0]) / (2 * h)
            assert (psi * moved).sum() / h == pytest.approx(expected, rel=0.15, abs=1e-3)


def test_the_slope_is_the_ratio_of_densities(rng):
    """For normal scores that members have 1 more of, it is exp(t - 1/2) at the threshold t."""
    member = rng.random((50, 8000)) < 0.5
    roc = Roc.of(Pairs.of(rng.normal(size=member.shape) + member, member))
    for fpr in (0.01, 0.1, 0.5, 0.9):
        expected = np.exp(norm.isf(fpr) - 0.5)
        assert roc_slope(roc, fpr) == pytest.approx(expected, rel=0.12)


def test_independent_pairs_have_the_variance_of_delong_and_of_a_binomial(rng):
    """Without signal: (n + 1) / (12 n_in n_out) for the AUC, twice a binomial one for the TPR."""
    areas, rates = [], []
    for _ in range(40):
        scores, member = rng.normal(size=(20, 200)), rng.random((20, 200)) < 0.5
        found = Influences.of(scores, member, (0.1,))
        areas.append(clustered_variance(found.auc))
        rates.append(clustered_variance(found.tpr_at_fpr[0.1]))
    assert np.mean(areas) == pytest.approx(4001 / (12 * 2000**2), rel=0.1)
    assert np.mean(rates) == pytest.approx(2 * 0.1 * 0.9 / 2000, rel=0.1)


def test_they_sum_to_zero_over_members_and_over_nonmembers(rng):
    scores, member = random_population(rng, decimals=1)
    found = Influences.of(scores, member, (0.01, 0.1))
    for psi in (found.auc, *found.tpr_at_fpr.values()):
        assert psi[member].sum() == pytest.approx(0, abs=1e-12)
        assert psi[~member].sum() == pytest.approx(0, abs=1e-12)


def all_of(scores, member):
    found = Influences.of(scores, member, (0.1,))
    return np.stack([found.auc, found.tpr_at_fpr[0.1]])


def test_only_the_order_of_scores_matters(rng):
    scores, member = random_population(rng, decimals=1)
    np.testing.assert_array_equal(all_of(np.exp(scores), member), all_of(scores, member))


def test_models_and_records_may_be_in_any_order(rng):
    scores, member = random_population(rng, decimals=1)
    at = np.ix_(rng.permutation(len(scores)), rng.permutation(scores.shape[1]))
    shuffled = all_of(scores[at], member[at])
    np.testing.assert_allclose(shuffled, all_of(scores, member)[:, *at], atol=1e-15)


def test_the_auc_of_swapped_roles_is_the_same(rng):
    """Non-members that score low are as good as members that score high."""
    scores, member = random_population(rng, decimals=1)
    swapped = auc_influence(-scores, ~member)
    np.testing.assert_allclose(swapped, auc_influence(scores, member), atol=1e-15)


@pytest.mark.parametrize("scores", [np.zeros((4, 30)), np.arange(30.0) + np.zeros((4, 1))])
def test_models_that_all_agree_on_a_perfect_or_a_void_attack(scores):
    """All scores equal, or all members above: no pair moves anything."""
    member = np.arange(30) + np.zeros((4, 1)) >= 15
    found = Influences.of(scores, member, (0.1,))
    assert not found.auc.any()
    assert not found.tpr_at_fpr[0.1].any()
    ci = found.intervals(Roc.of(Pairs.of(scores, member)))
    for (low, high), rate in (
        (ci.auc, auc(scores, member)),
        (ci.tpr_at_fpr[0.1], tpr_at_fpr(scores, member, 0.1)),
    ):
        assert 0 <= low <= rate <= high <= 1
        assert low < high


def test_a_perfect_attack_is_no_surer_than_its_records():
    member = np.arange(30) + np.zeros((4, 1)) >= 15
    scores = member.astype(float)
    ci = Influences.of(scores, member, ()).intervals(Roc.of(Pairs.of(scores, member)))
    assert ci.auc == pytest.approx((0.025 ** (1 / 30), 1.0))


def test_one_record_or_one_model_says_nothing(rng):
    for shape in ((6, 1), (1, 6)):
        member = np.arange(6).reshape(shape) % 2 == 0
        scores = rng.normal(size=shape)
        ci = Influences.of(scores, member, (0.5,)).intervals(Roc.of(Pairs.of(scores, member)))
        assert ci.auc == ci.tpr_at_fpr[0.5] == (0.0, 1.0)


def test_an_unresolved_fpr_has_no_influences(rng):
    scores, member = random_population(rng)
    found = Influences.of(scores, member, (0.001, 0.1))
    assert found.tpr_at_fpr[0.001] is None
    assert found.intervals(Roc.of(Pairs.of(scores, member))).tpr_at_fpr[0.001] is None
    assert set(found.arrays()) == {"auc_influence", "tpr_influence_0.1"}


def test_stored_influences_have_the_same_variance(rng):
    found = Influences.of(*leave_one_out_ratios(8, 60, 1.0, rng))
    stored = found.arrays()["auc_influence"]
    assert stored.dtype == np.float32
    assert clustered_variance(stored.astype(float)) == pytest.approx(
        clustered_variance(found.auc), rel=1e-5
    )
