"""Coverage of the 95% intervals, in populations with a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from privbench.metrics import auc, intervals
from privbench.metrics.pairs import Pairs
from privbench.metrics.roc import Roc

from .populations import SIZES, Pool, leave_one_out_ratios


def coverage(n_models, n_records, size, repeats, draws=1000):
    """Return how often the intervals of AUC and of TPR at 1% FPR cover the truth."""
    rng = np.random.default_rng([n_models, n_records, int(100 * size)])
    held = np.zeros(2)
    for _ in range(repeats):
        pool = Pool.draw(n_records, size, rng)
        ci = intervals(*pool.population(n_models, rng), (0.01,), draws, rng=rng)
        truths = pool.true_auc(), pool.true_tpr(0.01)
        for i, (truth, (low, high)) in enumerate(
            zip(truths, (ci.auc, ci.tpr_at_fpr[0.01]), strict=True)
        ):
            held[i] += low <= truth <= high
    return held / repeats


def test_the_populations_have_the_truth_that_they_state(rng):
    pool = Pool.draw(300, SIZES[0.75], rng)
    curves = [Roc.of(Pairs.of(*pool.population(200, rng))) for _ in range(3)]
    assert np.mean([c.auc for c in curves]) == pytest.approx(pool.true_auc(), abs=0.005)
    rates = [c.tpr_at_fpr(0.01) for c in curves]
    assert np.mean(rates) == pytest.approx(pool.true_tpr(0.01), abs=0.01)


def test_coverage_is_about_right():
    area, rate = coverage(16, 100, SIZES[0.75], repeats=100)
    assert 0.89 <= area <= 0.99
    assert 0.89 <= rate <= 0.995


@pytest.mark.slow
@pytest.mark.parametrize("auc", SIZES)
@pytest.mark.parametrize("n_models", [16, 64])
def test_coverage_is_95_percent(n_models, auc):
    area, rate = coverage(n_models, 200, SIZES[auc], repeats=1000, draws=2000)
    assert 0.93 <= area <= 0.97
    assert 0.92 <= rate <= 0.98


def coverage_of_ratios(n_models, shift, repeats, n_records=200):
    """Return the coverage of the mean AUC of leave-one-out likelihood ratios, that AUC, and the spread.

    The spread is that of the AUC, as a multiple of a quarter of the intervals' mean width.
    """
    rng = np.random.default_rng([n_models, int(100 * shift)])
    areas, ends = [], []
    for _ in range(repeats):
        scored = leave_one_out_ratios(n_models, n_records, shift, rng)
        areas.append(auc(*scored))
        ends.append(intervals(*scored, (), 1000, rng=rng).auc)
    truth = float(np.mean(areas))
    low, high = np.array(ends).T
    return np.mean((low <= truth) & (truth <= high)), truth, np.std(areas) / np.mean(high - low) * 4


@pytest.mark.slow
@pytest.mark.parametrize("n_models", [16, 64])
def test_leave_one_out_without_signal_the_intervals_are_too_narrow(n_models):
    """docs/rows.md and privbench/metrics/bootstrap.py give these figures: change them together."""
    held, truth, narrow = coverage_of_ratios(n_models, 0.0, repeats=1000)
    print(f"{n_models} models, AUC {truth:.3f}: held {held:.3f}, spread {narrow:.2f} times")
    assert truth == pytest.approx(0.5, abs=0.002)
    assert 0.75 <= held <= 0.83


@pytest.mark.slow
@pytest.mark.parametrize("n_models", [16, 64])
def test_leave_one_out_with_a_signal_they_are_nearly_right(n_models):
    held, truth, narrow = coverage_of_ratios(n_models, 1.25, repeats=1000)
    print(f"{n_models} models, AUC {truth:.3f}: held {held:.3f}, spread {narrow:.2f} times")
    assert truth == pytest.approx(0.8, abs=0.015)
    assert 0.89 <= held <= 0.95
