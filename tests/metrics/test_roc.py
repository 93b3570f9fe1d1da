"""The ROC curve: against its definition, and two Gaussians."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.stats import norm

from privbench.metrics import Roc, advantage, auc, roc, tpr_at_fpr
from privbench.metrics.pairs import Pairs

from . import reference


@pytest.fixture(params=[None, 0, 1], ids=["no ties", "many ties", "some ties"])
def population(request, rng):
    member = rng.random((5, 40)) < 0.4
    scores = rng.normal(size=member.shape) + member
    return (scores if request.param is None else scores.round(request.param)), member


def test_agrees_with_the_definitions(population):
    assert auc(*population) == pytest.approx(reference.auc(*population), abs=1e-12)
    assert advantage(*population) == pytest.approx(reference.advantage(*population), abs=1e-12)
    for fpr in (0.01, 0.05, 0.1, 0.5, 1.0):
        expected = reference.tpr_at_fpr(*population, fpr)
        assert tpr_at_fpr(*population, fpr) == pytest.approx(expected, abs=1e-12)


def test_two_gaussians_have_a_known_curve(gaussians, rng):
    shift = 1.3
    curve = Roc.of(Pairs.of(*gaussians(20, 20_000, shift, rng)))
    assert curve.auc == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=0.003)
    assert curve.advantage == pytest.approx(2 * norm.cdf(shift / 2) - 1, abs=0.005)
    for fpr in (0.001, 0.01, 0.1):
        expected = norm.sf(norm.isf(fpr) - shift)
        assert curve.tpr_at_fpr(fpr) == pytest.approx(expected, abs=0.1 * expected)


def test_no_signal_is_chance(gaussians, rng):
    scores, member = gaussians(16, 10_000, 0.0, rng)
    assert auc(scores, member) == pytest.approx(0.5, abs=0.005)
    assert tpr_at_fpr(scores, member, 0.01) == pytest.approx(0.01, abs=0.002)


def test_larger_means_member(population):
    scores, member = population
    assert auc(-scores, member) == pytest.approx(1 - auc(scores, member), abs=1e-12)
    assert auc(scores, ~member) == pytest.approx(1 - auc(scores, member), abs=1e-12)


def test_only_the_order_counts(population, rng):
    scores, member = population
    order = rng.permutation(scores.shape[1])
    for same in ((np.exp(3 * scores), member), (scores[:, order], member[:, order])):
        assert auc(*same) == auc(scores, member)
        assert advantage(*same) == advantage(scores, member)
        assert tpr_at_fpr(*same, 0.1) == tpr_at_fpr(scores, member, 0.1)


def test_tied_pairs_pass_together():
    member = np.array([[True, True, False, False]])
    scores = np.array([[2.0, 1.0, 1.0, 0.0]])
    assert tpr_at_fpr(scores, member, 0.5) == 1.0
    assert tpr_at_fpr(scores, member, 0.5 + 1e-9) == 1.0
    assert auc(scores, member) == 0.875
    constant = np.zeros((1, 4))
    assert auc(constant, member) == 0.5
    assert tpr_at_fpr(constant, member, 0.99) == 0.0
    assert tpr_at_fpr(constant, member, 1.0) == 1.0


def test_an_fpr_below_the_resolution_is_unresolved(gaussians, rng):
    scores, member = gaussians(2, 1000, 5.0, rng)
    assert Roc.of(Pairs.of(scores, member)).resolution == 1 / 1000
    assert tpr_at_fpr(scores, member, 0.000999) is None
    assert tpr_at_fpr(scores, member, 0.0) is None
    assert tpr_at_fpr(scores, member, 0.001) > 0.9


@pytest.mark.parametrize("n", [7, 100, 1000, 3000, 49_999])
def test_the_allowed_count_is_the_largest_within_the_rate(n):
    for count in range(0, n, max(1, n // 50)):
        assert roc.allowed_false_positives(count / n, n) == count
    assert list(roc.allowed_false_positives(0.29, np.array([100, 99]))) == [29, 28]


def test_perfect_separation():
    scores = np.array([[3.0, 2.0], [1.0, 4.0]])
    member = np.array([[True, False], [False, True]])
    curve = Roc.of(Pairs.of(scores, member))
    assert (curve.auc, curve.advantage, curve.tpr_at_fpr(0.5)) == (1.0, 1.0, 1.0)
    assert auc(-scores, member) == 0.0
    assert advantage(-scores, member) == 0.0


def test_bad_input_is_named():
    for metric in (auc, advantage, lambda *args: tpr_at_fpr(*args, 0.1)):
        with pytest.raises(ValueError, match="no pair is a member"):
            metric(np.zeros((1, 2)), np.array([[False, False]]))


def test_an_fpr_is_a_rate():
    scores, member = np.array([[1.0, 0.0]]), np.array([[True, False]])
    for fpr in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="fpr"):
            tpr_at_fpr(scores, member, fpr)


def test_the_example_in_the_docstring():
    assert doctest.testmod(roc).failed == 0
