from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, t

from privbench.metrics import Roc, auc, intervals, tpr_at_fpr
from privbench.metrics.bootstrap import draw_weights
from privbench.metrics.interval import arcsine_t, bootstrap_t, t_quantile, clopper_pearson_interval
from privbench.metrics.pairs import Pairs
from privbench.metrics.resample import WeightedAuc, WeightedTpr

from . import reference


def make(rng, decimals=None, n_models=7, n_records=60):
    member = rng.random((n_models, n_records)) < rng.uniform(0.3, 0.7, size=(n_models, 1))
    scores = rng.normal(size=member.shape) + member
    return (scores if decimals is None else scores.round(decimals)), member


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_draws_are_those_of_a_plain_loop(rng, decimals):
    scores, member = make(rng, decimals)
    weights = draw_weights(len(scores), 25, rng)
    pairs = Pairs.of(scores, member)
    areas = WeightedAuc.of(pairs)(weights)
    rates = {fpr: WeightedTpr.of(pairs)(weights, fpr) for fpr in (0.01, 0.1, 0.5, 1.0)}
    for draw, weight in enumerate(weights):
        population = reference.repeat(scores, member, weight)
        assert areas[draw] == pytest.approx(reference_auc(*population), abs=1e-12)
        for fpr, found in rates.items():
            expected = reference.tpr_at_fpr(*population, fpr)
            assert found[draw] == pytest.approx(expected, abs=1e-12)


def reference_auc(scores, member):
    difference = scores[member][:, None] - scores[~member]
    return ((difference > 0).mean() + (difference >= 0).mean()) / 2


def test_draws_of_many_pairs_cross_blocks(rng):
    scores, member = make(rng, 2, n_models=40, n_records=500)
    weights = draw_weights(len(scores), 300, rng)
    found = WeightedTpr.of(Pairs.of(scores, member))(weights, 0.05)
    for draw in range(0, 300, 37):
        again = Pairs.of(*reference.repeat(scores, member, weights[draw]))
        assert found[draw] == pytest.approx(Roc.of(again).tpr_at_fpr(0.05), abs=1e-12)


def test_equal_weights_are_the_population(rng):
    scores, member = make(rng)
    pairs, once = Pairs.of(scores, member), np.ones((1, len(scores)))
    assert WeightedAuc.of(pairs)(once)[0] == pytest.approx(auc(scores, member), abs=1e-12)
    assert WeightedTpr.of(pairs)(once, 0.1)[0] == tpr_at_fpr(scores, member, 0.1)


def test_the_standard_error_is_that_of_numerical_influences(rng):
    scores, member = make(rng)
    weighted = WeightedAuc.of(Pairs.of(scores, member))
    weights = draw_weights(len(scores), 5, rng)
    step, n = 1e-5, len(scores)
    for weight, found in zip(weights, weighted.standard_error(weights), strict=True):
        share = weight / n
        moved = [step * (np.eye(n) - share) + share, -step * (np.eye(n) - share) + share]
        influence = (weighted(moved[0]) - weighted(moved[1])) / (2 * step)
        assert found == pytest.approx(np.sqrt(share @ influence**2 / (n - 1)), rel=1e-6)


def test_draws_without_members_are_undefined():
    scores = np.array([[1.0, 2.0], [3.0, 0.0]])
    member = np.array([[False, False], [True, False]])
    weights = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    pairs = Pairs.of(scores, member)
    for found in (
        WeightedAuc.of(pairs)(weights),
        WeightedAuc.of(pairs).standard_error(weights),
        WeightedTpr.of(pairs)(weights, 0.5),
    ):
        assert list(np.isnan(found)) == [True, False, False]


def test_models_are_drawn_with_replacement(rng):
    weights = draw_weights(16, 4000, rng)
    assert (weights.sum(axis=1) == 16).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(16), abs=0.1)
    assert weights.var() == pytest.approx(15 / 16, abs=0.05)


def test_the_same_generator_gives_the_same_interval(rng):
    scores, member = make(rng)
    first, again, other = (
        intervals(scores, member, (0.1,), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_only_the_order_counts(rng):
    scores, member = make(rng)
    order = rng.permutation(scores.shape[1])
    found = [
        intervals(*same, (0.1,), rng=np.random.default_rng(1))
        for same in (
            (scores, member),
            (np.exp(scores), member),
            (scores[:, order], member[:, order]),
        )
    ]
    assert found[0] == found[1]
    assert found[0] == found[2]


def test_more_models_narrow_the_interval(gaussians, rng):
    few, many = (intervals(*gaussians(n, 400, 1.0, rng), rng=rng).auc for n in (16, 256))
    assert few[1] - few[0] == pytest.approx(4 * (many[1] - many[0]), rel=0.4)


def test_dependence_within_models_widens_the_interval(gaussians, rng):
    scores, member = gaussians(16, 400, 1.0, rng)
    leak = rng.normal(size=(16, 1))
    narrow = intervals(scores, member, rng=rng).auc
    wide = intervals(scores + leak * member, member, rng=rng).auc
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


def test_unresolved_rates_have_no_interval(rng):
    scores, member = make(rng)
    found = intervals(scores, member, (0.001, 0.1), rng=rng).tpr_at_fpr
    assert found[0.001] is None
    assert found[0.1] is not None


def degenerate():
    rng = np.random.default_rng(3)
    member = rng.random((16, 50)) < 0.5
    noise = rng.normal(size=member.shape)
    yield "perfect", member + 0.0, member
    yield "perfectly wrong", member - 1.0, ~member
    yield "constant", np.zeros(member.shape), member
    yield "copies", np.tile(noise[:1], (16, 1)), np.tile(member[:1], (16, 1))
    yield "two models", noise[:2], member[:2]
    yield "two copies", np.tile(noise[:1], (2, 1)), np.tile(member[:1], (2, 1))
    yield "three models", noise[:3] + member[:3], member[:3]
    one_error = member + 0.0
    one_error[0, 0] = 5.0 * ~member[0, 0]
    yield "one error", one_error, member
    lacking = member & (np.arange(16) < 2)[:, None]
    yield "members in two models only", noise, lacking
    yield "one member", noise, np.arange(800).reshape(16, 50) == 70
    yield "one non-member", noise, np.arange(800).reshape(16, 50) != 70
    yield "a model of each kind", noise[:2], np.array([[True] * 50, [False] * 50])


@pytest.mark.parametrize(
    ("scores", "member"), [pytest.param(*case[1:], id=case[0]) for case in degenerate()]
)
def test_degenerate_intervals_are_sensible(scores, member, rng):
    fprs = (0.01, 0.1, 1.0)
    found = intervals(scores, member, fprs, rng=rng)
    estimates = [auc(scores, member), *(tpr_at_fpr(scores, member, fpr) for fpr in fprs)]
    for estimate, interval in zip(estimates, [found.auc, *found.tpr_at_fpr.values()], strict=True):
        if estimate is None:
            assert interval is None
        else:
            low, high = interval
            assert 0 <= low <= estimate <= high <= 1
            assert low < high


def test_a_perfect_attack_gets_an_exact_binomial_bound(rng):
    member = np.arange(100) < 50
    found = intervals(np.tile(member + 0.0, (16, 1)), np.tile(member, (16, 1)), (0.01,), rng=rng)
    assert found.auc == pytest.approx((0.025 ** (1 / 800), 1.0))
    assert found.tpr_at_fpr[0.01] == pytest.approx((0.025 ** (1 / 800), 1.0))


def test_copies_count_as_models_and_not_as_pairs():
    low, high = clopper_pearson_interval(0.75, 16, 10_000)
    assert (low, high) == pytest.approx((beta.ppf(0.025, 12, 5), beta.ppf(0.975, 13, 4)))


def test_quantiles_of_t():
    for n_models in (2, 16, 64):
        assert t_quantile(n_models) == pytest.approx(t.ppf(0.975, n_models - 1))


def test_arcsine_interval_of_small_spread_is_the_plain_one(rng):
    draws = 0.3 + 1e-4 * rng.normal(size=100_000)
    low, high = arcsine_t(0.3, draws, 16, 1000)
    reach = t.ppf(0.975, 15) * 1e-4 * np.sqrt(16 / 15)
    assert (low, high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=0.02 * reach)


def test_bootstrap_t_follows_the_skew_of_its_pivots(rng):
    # Pivots of mean 0 that reach further up: then the interval has to reach further down.
    pivots = rng.exponential(size=20_000) - 1
    errors = np.full(pivots.size, 1e-4)
    low, high = bootstrap_t(0.7, 1e-4, 0.7 + pivots * 1e-4, errors, 16, 1000)
    expected = 0.7 - np.quantile(pivots, [0.975, 0.025]) * 1e-4
    assert (low, high) == pytest.approx(tuple(expected), abs=2e-6)


def test_bootstrap_t_without_pivots_uses_t():
    draws, errors = np.full(1000, 0.7), np.where(np.arange(1000) < 20, 0.0, 1e-4)
    low, high = bootstrap_t(0.7, 1e-4, draws, errors, 16, 1000)
    reach = t.ppf(0.975, 15) * 1e-4
    assert (low, high) == pytest.approx((0.7 - reach, 0.7 + reach), abs=1e-6)


def test_an_attack_with_an_error_is_no_surer_than_one_without():
    draws = np.array([1.0, 0.99999] * 500)
    errors = np.where(draws < 1, 1e-5, 0.0)
    low, high = bootstrap_t(0.99999, 1e-5, draws, errors, 16, 1200)
    assert low == pytest.approx(clopper_pearson_interval(1.0, 16, 1200)[0])
    assert 0.99999 < high < 1


def test_bad_input_is_named(rng):
    scores, member = make(rng)
    with pytest.raises(ValueError, match="at least 2 models"):
        intervals(scores[:1], member[:1], rng=rng)
    with pytest.raises(ValueError, match="at least 1000, got 999"):
        intervals(scores, member, draws=999, rng=rng)
    with pytest.raises(ValueError, match="fpr"):
        intervals(scores, member, (1.5,), rng=rng)


@pytest.mark.parametrize("decimals", [None, 0])
def test_groups_of_one_models_records_are_as_rows(rng, decimals):
    """Groups of equal size are resampled as if each were a model of its own."""
    scores, member = make(rng, decimals, n_models=6, n_records=40)
    group = np.repeat(np.arange(6), 40)
    order = rng.permutation(240)
    flat = scores.reshape(-1)[order], member.reshape(-1)[order]
    pairs, expected = Pairs.grouped(*flat, group[order]), Pairs.of(scores, member)
    weights = draw_weights(6, 20, rng)
    np.testing.assert_allclose(WeightedAuc.of(pairs)(weights), WeightedAuc.of(expected)(weights))
    np.testing.assert_array_equal(
        WeightedTpr.of(pairs)(weights, 0.1), WeightedTpr.of(expected)(weights, 0.1)
    )
