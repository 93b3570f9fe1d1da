"""AUCs with a standard error over models, beside a loop that leaves models out one by one."""

import numpy as np
import pytest

from privbench.metrics import Pairs, auc
from privbench.metrics.jackknife import Jackknifed, auc_difference, auc_of

from .populations import Pool


def left_out(scores, member, statistic):
    """Return the statistic without each model."""
    keep = ~np.eye(len(scores), dtype=bool)
    return np.array([statistic(scores[k], member[k]) for k in keep])


def test_the_error_is_that_of_leaving_models_out(rng):
    scores, member = Pool.draw(80, 1.0, rng).population(6, rng)
    other = scores + rng.normal(size=scores.shape)
    without = left_out(scores, member, auc)
    found = auc_of(Pairs.of(scores, member))
    assert found.value == pytest.approx(auc(scores, member))
    assert found.error == pytest.approx(np.sqrt(5 / 6 * ((without - without.mean()) ** 2).sum()))
    differences = without - left_out(other, member, auc)
    found = auc_difference(Pairs.of(scores, member), Pairs.of(other, member))
    assert found.value == pytest.approx(auc(scores, member) - auc(other, member))
    expected = np.sqrt(5 / 6 * ((differences - differences.mean()) ** 2).sum())
    assert found.error == pytest.approx(expected)


def test_a_paired_difference_is_surer_than_both_aucs(rng):
    """What both attacks have in common, such as models that leak more, cancels."""
    scores, member = Pool.draw(200, 1.0, rng).population(16, rng)
    other = scores + 0.3 * rng.normal(size=scores.shape)
    first, second = Pairs.of(scores, member), Pairs.of(other, member)
    single = np.hypot(auc_of(first).error, auc_of(second).error)
    assert auc_difference(first, second).error < single / 3
    assert auc_difference(first, first) == Jackknifed(0.0, 0.0, 16)


def test_it_covers_the_truth_as_often_as_it_says():
    """With independent models: 95% intervals of Student's t in 300 populations."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        pool = Pool.draw(100, 1.0, rng)
        found = auc_of(Pairs.of(*pool.population(12, rng)))
        above = found.exceeds(pool.true_auc(), 0.975)
        below = Jackknifed(-found.value, found.error, 12).exceeds(-pool.true_auc(), 0.975)
        covered += not (above or below)
    assert 0.90 < covered / 300 < 0.99


def test_a_limit_is_exceeded_by_more_than_the_error():
    estimate = Jackknifed(0.6, 0.02, 16)
    assert estimate.exceeds(0.5, 0.999)  # 5 errors; t(15) at 99.9% is 3.73
    assert not estimate.exceeds(0.53, 0.999)
    assert not estimate.exceeds(0.5, 0.999, inflation=1.5)
    assert not Jackknifed(0.9, np.inf, 2).exceeds(0.5, 0.6)


def test_models_without_members_leave_the_error_unknown():
    scores, member = np.arange(8.0).reshape(2, 4), np.array([[True] * 4, [False] * 4])
    assert auc_of(Pairs.of(scores, member)).error == np.inf
