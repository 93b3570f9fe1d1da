"""Weighted AUC and TPR: against populations in which models are repeated."""

from __future__ import annotations

import numpy as np
import pytest

from privbench.metrics import Roc, auc, tpr_at_fpr
from privbench.metrics.bootstrap import draw_weights
from privbench.metrics.pairs import Pairs
from privbench.metrics.resample import WeightedAuc, WeightedTpr

from . import reference
from .populations import random_population


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_draws_equal_those_of_a_plain_loop(rng, decimals):
    scores, member = random_population(rng, decimals)
    weights = draw_weights(len(scores), 25, rng)
    pairs = Pairs.of(scores, member)
    areas = WeightedAuc.of(pairs)(weights)
    rates = {fpr: WeightedTpr.of(pairs)(weights, fpr) for fpr in (0.01, 0.1, 0.5, 1.0)}
    for draw, weight in enumerate(weights):
        population = reference.repeat(scores, member, weight)
        assert areas[draw] == pytest.approx(reference_auc(*population), abs=1e-12)
        for fpr, values in rates.items():
            expected = reference.tpr_at_fpr(*population, fpr)
            assert values[draw] == pytest.approx(expected, abs=1e-12)


def reference_auc(scores, member):
    difference = scores[member][:, None] - scores[~member]
    return ((difference > 0).mean() + (difference >= 0).mean()) / 2


def test_draws_of_many_pairs_cross_blocks(rng):
    scores, member = random_population(rng, 2, n_models=40, n_records=500)
    weights = draw_weights(len(scores), 300, rng)
    values = WeightedTpr.of(Pairs.of(scores, member))(weights, 0.05)
    for draw in range(0, 300, 37):
        again = Pairs.of(*reference.repeat(scores, member, weights[draw]))
        assert values[draw] == pytest.approx(Roc.of(again).tpr_at_fpr(0.05), abs=1e-12)


def test_members_at_the_start_of_the_next_block_pass():
    """All allowed non-members are in the first block of 128 pairs, and 50 members follow it."""
    is_member = np.repeat([True, False, True, False], [100, 28, 50, 72])
    ranked = np.arange(250.0)[::-1].reshape(2, 125)
    pairs = Pairs.of(ranked, is_member.reshape(2, 125))
    assert WeightedTpr.of(pairs)(np.ones((1, 2)), 0.28)[0] == 1.0
    assert WeightedTpr.of(pairs)(np.ones((1, 2)), 0.27)[0] == 100 / 150


def test_equal_weights_are_the_population(rng):
    scores, member = random_population(rng)
    pairs, once = Pairs.of(scores, member), np.ones((1, len(scores)))
    assert WeightedAuc.of(pairs)(once)[0] == pytest.approx(auc(scores, member), abs=1e-12)
    assert WeightedTpr.of(pairs)(once, 0.1)[0] == tpr_at_fpr(scores, member, 0.1)


def test_the_standard_error_is_that_of_numerical_influences(rng):
    scores, member = random_population(rng)
    weighted = WeightedAuc.of(Pairs.of(scores, member))
    weights = draw_weights(len(scores), 5, rng)
    step, n = 1e-5, len(scores)
    for weight, values in zip(weights, weighted.standard_error(weights), strict=True):
        share = weight / n
        moved = [step * (np.eye(n) - share) + share, -step * (np.eye(n) - share) + share]
        influence = (weighted(moved[0]) - weighted(moved[1])) / (2 * step)
        assert values == pytest.approx(np.sqrt(share @ influence**2 / (n - 1)), rel=1e-6)


def test_draws_without_members_are_undefined():
    scores = np.array([[1.0, 2.0], [3.0, 0.0]])
    member = np.array([[False, False], [True, False]])
    weights = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    pairs = Pairs.of(scores, member)
    for values in (
        WeightedAuc.of(pairs)(weights),
        WeightedAuc.of(pairs).standard_error(weights),
        WeightedTpr.of(pairs)(weights, 0.5),
    ):
        assert list(np.isnan(values)) == [True, False, False]


@pytest.mark.parametrize("decimals", [None, 0])
def test_groups_of_one_models_records_are_as_rows(rng, decimals):
    """Groups of equal size are resampled as if each were a model of its own."""
    scores, member = random_population(rng, decimals, n_models=6, n_records=40)
    group = np.repeat(np.arange(6), 40)
    order = rng.permutation(240)
    flat = scores.reshape(-1)[order], member.reshape(-1)[order]
    pairs, expected = Pairs.grouped(*flat, group[order]), Pairs.of(scores, member)
    weights = draw_weights(6, 20, rng)
    np.testing.assert_allclose(WeightedAuc.of(pairs)(weights), WeightedAuc.of(expected)(weights))
    np.testing.assert_array_equal(
        WeightedTpr.of(pairs)(weights, 0.1), WeightedTpr.of(expected)(weights, 0.1)
    )
