"""Estimates of parts of the pairs, against closed forms, the intervals of all pairs, and a null."""

import numpy as np
import pytest
from scipy import stats

from privbench.metrics import Influences, Pairs, Roc, auc
from privbench.metrics.subsets import (
    auc_interval,
    auc_within,
    difference_p_value,
    gap_interval,
    rate_within,
)


def gaussians(n_models, n_records, effect, seed=0):
    """Independent scores, N(effect, 1) for members and N(0, 1) for others."""
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n_records)) < 0.5
    return rng.normal(size=member.shape) + effect * member, member


def test_all_pairs_as_a_part_have_the_interval_of_all_pairs():
    scores, member = gaussians(16, 200, 1.0)
    everything = np.ones_like(member)
    value, psi = auc_within(scores, member, everything)
    assert value == auc(scores, member)
    roc = Roc.of(Pairs.of(scores, member))
    expected = Influences.of(scores, member).intervals(roc).auc
    found = auc_interval(value, psi, everything, member, "models and records")
    assert found == pytest.approx(expected)


def test_a_part_is_as_if_the_others_were_not_there():
    scores, member = gaussians(8, 120, 1.0)
    within = np.broadcast_to(np.arange(120) < 50, member.shape)
    value, psi = auc_within(scores, member, within)
    alone, psi_alone = auc_within(scores[:, :50], member[:, :50], np.ones((8, 50), dtype=bool))
    assert value == alone
    assert np.array_equal(psi[:, :50], psi_alone)
    assert not psi[:, 50:].any()
    assert auc_interval(value, psi, within, member, "models") == auc_interval(
        alone, psi_alone, np.ones((8, 50), dtype=bool), member[:, :50], "models"
    )


def test_the_rate_of_one_model_has_about_the_interval_of_a_binomial():
    called = np.zeros((1, 4000), dtype=bool)
    called[0, :400] = True
    rate, (low, high) = rate_within(called, np.ones_like(called), "records")
    exact = stats.binomtest(400, 4000).proportion_ci(0.95)
    assert rate == 0.1
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=5e-4)


def test_the_gap_of_one_model_has_the_interval_of_two_binomials():
    member = np.arange(4000)[None] < 2000
    called = np.zeros((1, 4000), dtype=bool)
    called[0, :800] = called[0, 2000:2200] = True
    gap, (low, high) = gap_interval(called, member, "records")
    error = np.sqrt((0.4 * 0.6 + 0.1 * 0.9) / 2000)
    assert gap == pytest.approx(0.3)
    assert ((high - low) / 2) == pytest.approx(1.96 * error, rel=0.01)


def test_decisions_without_an_error_have_a_gap_that_is_not_known_exactly():
    member = np.arange(100)[None] < 50
    gap, (low, high) = gap_interval(member, member, "records")
    assert (gap, high) == (1.0, 1.0)
    assert 0.8 < low < 0.95


@pytest.mark.parametrize(("effect", "share"), [(0.0, (0.0, 0.14)), (1.5, (0.95, 1.0))])
def test_p_values_of_a_difference_with_and_without_one(effect, share):
    rejected = []
    for seed in range(60):
        scores, member = gaussians(16, 60, 0.0, seed)
        within = np.broadcast_to(np.arange(60) < 30, member.shape)
        scores = scores + effect * (member & within)
        first, psi = auc_within(scores, member, within)
        second, other = auc_within(scores, member, ~within)
        p_value = difference_p_value(first, second, psi - other, "models")
        rejected.append(p_value < 0.05)
    assert share[0] <= np.mean(rejected) <= share[1]
