"""How often the 95% intervals hold the truth, in populations in which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from privbench.metrics import intervals
from privbench.metrics.pairs import Pairs
from privbench.metrics.roc import Roc

from .populations import SIZES, Pool


def coverage(n_models, n_records, size, repeats, draws=1000):
    """Shares of ``repeats`` populations whose AUC and TPR at 1% FPR lie in their intervals."""
    rng = np.random.default_rng([n_models, n_records, int(100 * size)])
    held = np.zeros(2)
    for _ in range(repeats):
        pool = Pool.draw(n_records, size, rng)
        found = intervals(*pool.population(n_models, rng), (0.01,), draws, rng=rng)
        truths = pool.true_auc(), pool.true_tpr(0.01)
        for i, (truth, (low, high)) in enumerate(
            zip(truths, (found.auc, found.tpr_at_fpr[0.01]), strict=True)
        ):
            held[i] += low <= truth <= high
    return held / repeats


def test_the_populations_have_the_truth_they_state(rng):
    pool = Pool.draw(300, SIZES[0.75], rng)
    curves = [Roc.of(Pairs.of(*pool.population(200, rng))) for _ in range(3)]
    assert np.mean([c.auc for c in curves]) == pytest.approx(pool.true_auc(), abs=0.005)
    rates = [c.tpr_at_fpr(0.01) for c in curves]
    assert np.mean(rates) == pytest.approx(pool.true_tpr(0.01), abs=0.01)


def test_coverage_is_about_right():
    area, rate = coverage(16, 100, SIZES[0.75], repeats=200)
    assert 0.89 <= area <= 0.99
    assert 0.89 <= rate <= 0.995


@pytest.mark.slow
@pytest.mark.parametrize("auc", SIZES)
@pytest.mark.parametrize("n_models", [16, 64])
def test_coverage_is_95_percent(n_models, auc):
    area, rate = coverage(n_models, 200, SIZES[auc], repeats=1000, draws=2000)
    assert 0.93 <= area <= 0.97
    assert 0.92 <= rate <= 0.98
