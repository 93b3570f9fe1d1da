"""ROC curves on a grid, and their bands."""

import numpy as np
import pytest

from privbench.metrics import Influences, Pairs, Roc
from privbench.metrics.band import GRID, roc_band
from privbench.metrics.clustered import Estimate
from privbench.metrics.influence import tpr_influence
from privbench.metrics.interval import arcsine_t


def population(n_models=16, n_records=300, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n_records)) < 0.5
    return rng.normal(size=member.shape) + signal * member, member


def band_of(scores, member, over="models and records"):
    return roc_band(scores, member, Roc.of(Pairs.of(scores, member)), over)


def test_the_grid_has_the_rates_of_rows():
    assert {0.001, 0.01, 0.1, 1.0} <= set(GRID)
    assert list(GRID) == sorted(GRID)


def test_slow_reference():
    """The TPR at the largest threshold-set that wrongly accuses no more than the FPR allows."""
    scores, member = population(n_models=3, n_records=40)
    tpr, low, high = band_of(scores, member)
    for i, fpr in enumerate(GRID):
        best = None
        for threshold in [*np.unique(scores), np.inf]:
            if (scores >= threshold)[~member].mean() <= fpr:
                best = max(best or 0.0, (scores >= threshold)[member].mean())
        if fpr * (~member).sum() < 1:
            assert np.isnan([tpr[i], low[i], high[i]]).all()
        else:
            assert tpr[i] == pytest.approx(best)
            assert low[i] <= tpr[i] <= high[i]


def test_the_curve_rises_to_one():
    tpr, low, high = band_of(*population())
    known = ~np.isnan(tpr)
    assert known.sum() > 10
    assert (np.diff(tpr[known]) >= 0).all()
    assert (tpr[-1], low[-1], high[-1]) == (1, 1, 1)


def test_at_the_rates_of_rows_the_band_is_their_interval():
    scores, member = population()
    roc = Roc.of(Pairs.of(scores, member))
    interval = Influences.of(scores, member).intervals(roc).tpr_at_fpr[0.01]
    tpr, low, high = band_of(scores, member)[:, GRID.index(0.01)]
    assert tpr == pytest.approx(roc.tpr_at_fpr(0.01))
    assert (low, high) == pytest.approx(interval, abs=1e-6)


@pytest.mark.parametrize("over", ["models and records", "models", "records"])
def test_errors_are_those_of_the_influences_of_pairs(over):
    scores, member = population(n_models=6, n_records=80, signal=2.0)
    scores = np.round(scores, 1)  # with ties
    roc = Roc.of(Pairs.of(scores, member))
    _, low, high = band_of(scores, member, over)
    for i, fpr in enumerate(GRID[:-1]):
        psi = tpr_influence(scores, member, roc, fpr)
        if psi is None:
            continue
        estimate = Estimate.of(roc.tpr_at_fpr(fpr), psi, over)
        n_pairs = min(roc.n_members, roc.n_nonmembers)
        expected = arcsine_t(estimate.value, estimate.error, estimate.n, n_pairs)
        assert (low[i], high[i]) == pytest.approx(expected, abs=1e-6)


def test_a_single_model_has_no_band():
    tpr, low, high = band_of(*population(n_models=1), over="models")
    known = ~np.isnan(tpr)
    assert (low[known][:-1] == 0).all()
    assert (high[known][:-1] == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("fpr", [0.01, 0.1])
def test_the_band_covers_the_truth(fpr):
    """Independent models without shadows: scores of two normals, whose curve is known."""
    from scipy.stats import norm

    truth = norm.sf(norm.isf(fpr) - 1)
    ends = [
        band_of(*population(seed=seed), over="models")[1:, GRID.index(fpr)] for seed in range(400)
    ]
    covered = np.mean([low <= truth <= high for low, high in ends])
    assert 0.92 <= covered <= 0.98
