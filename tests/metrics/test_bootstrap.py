"""Bootstrap over models: what widens and narrows the intervals, and degenerate populations."""

from __future__ import annotations

import numpy as np
import pytest

from privbench.metrics import auc, intervals, tpr_at_fpr
from privbench.metrics.bootstrap import draw_weights

from .populations import random_population


def test_models_are_drawn_with_replacement(rng):
    weights = draw_weights(16, 4000, rng)
    assert (weights.sum(axis=1) == 16).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(16), abs=0.1)
    assert weights.var() == pytest.approx(15 / 16, abs=0.05)


def test_the_same_generator_gives_the_same_interval(rng):
    scores, member = random_population(rng)
    first, again, different = (
        intervals(scores, member, (0.1,), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != different


def test_only_the_order_counts(rng):
    scores, member = random_population(rng)
    order = rng.permutation(scores.shape[1])
    estimates = [
        intervals(*same, (0.1,), rng=np.random.default_rng(1))
        for same in (
            (scores, member),
            (np.exp(scores), member),
            (scores[:, order], member[:, order]),
        )
    ]
    assert estimates[0] == estimates[1]
    assert estimates[0] == estimates[2]


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
    scores, member = random_population(rng)
    ci = intervals(scores, member, (0.001, 0.1), rng=rng).tpr_at_fpr
    assert ci[0.001] is None
    assert ci[0.1] is not None


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
    ci = intervals(scores, member, fprs, rng=rng)
    estimates = [auc(scores, member), *(tpr_at_fpr(scores, member, fpr) for fpr in fprs)]
    for estimate, interval in zip(estimates, [ci.auc, *ci.tpr_at_fpr.values()], strict=True):
        if estimate is None:
            assert interval is None
        else:
            low, high = interval
            assert 0 <= low <= estimate <= high <= 1
            assert low < high


def test_a_perfect_attack_gets_an_exact_binomial_bound(rng):
    member = np.arange(100) < 50
    ci = intervals(np.tile(member + 0.0, (16, 1)), np.tile(member, (16, 1)), (0.01,), rng=rng)
    assert ci.auc == pytest.approx((0.025 ** (1 / 800), 1.0))
    assert ci.tpr_at_fpr[0.01] == pytest.approx((0.025 ** (1 / 800), 1.0))


def test_bad_input_is_named(rng):
    scores, member = random_population(rng)
    with pytest.raises(ValueError, match="at least 2 models"):
        intervals(scores[:1], member[:1], rng=rng)
    with pytest.raises(ValueError, match="at least 1000, got 999"):
        intervals(scores, member, draws=999, rng=rng)
    with pytest.raises(ValueError, match="fpr"):
        intervals(scores, member, (1.5,), rng=rng)
