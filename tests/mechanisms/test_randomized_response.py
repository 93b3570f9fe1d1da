"""Randomised response: its probabilities, and its guarantee."""

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binomtest, chisquare

from privbench.data import Data, DataSpec
from privbench.mechanisms.randomized_response import RandomizedResponse
from privbench.privacy.conditions import ONLY_LABELS_COVERED

from .datasets import IMAGE, MIXED, context, records


def labels(n_classes, n, label=None):
    spec = DataSpec("binary", (1,), n_classes)
    y = np.full(n, label) if label is not None else np.arange(n) % n_classes
    return Data(np.zeros((n, 1), np.float32), y.astype(np.int64), spec)


@pytest.mark.parametrize("k", [2, 3, 30])
@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_labels_are_kept_with_the_stated_probability(epsilon, k):
    mechanism, n = RandomizedResponse(epsilon=epsilon), 20_000
    stated = math.exp(epsilon) / (math.exp(epsilon) + k - 1)
    assert mechanism.keep_probability(k) == pytest.approx(stated)
    for label in (0, k - 1):
        y = mechanism.apply(labels(k, n, label), np.random.default_rng(label)).y
        kept = int((y == label).sum())
        assert binomtest(kept, n, stated).pvalue > 1e-3
        others = np.delete(np.bincount(y, minlength=k), label)
        assert len(others) == k - 1  # none is out of range
        if k > 2:
            assert chisquare(others).pvalue > 1e-3


@pytest.mark.parametrize("k", [2, 10, 100])
@pytest.mark.parametrize("epsilon", [0.01, 1.0, 8.0, 20.0])
def test_the_ratio_of_probabilities_is_e_to_the_epsilon(epsilon, k):
    keeps = RandomizedResponse(epsilon=epsilon).keep_probability(k)
    other = (1 - keeps) / (k - 1)
    assert math.log(keeps / other) == pytest.approx(epsilon, abs=1e-5)
    assert keeps >= other


def test_limits_of_randomised_response():
    data = labels(10, 5000)
    kept = RandomizedResponse(epsilon=100).apply(data, np.random.default_rng(0))
    np.testing.assert_array_equal(kept.y, data.y)
    assert RandomizedResponse(epsilon=1e-9).keep_probability(10) == pytest.approx(0.1)


def test_records_and_the_argument_stay():
    data = records(IMAGE)
    before = data.y.copy()
    altered = RandomizedResponse(epsilon=0.1).apply(data, np.random.default_rng(0))
    np.testing.assert_array_equal(altered.x, data.x)
    np.testing.assert_array_equal(data.y, before)
    assert altered.y.dtype == np.int64
    assert altered.spec == IMAGE
    assert set(altered.y) == {0, 1, 2}
    again, other = (
        RandomizedResponse(epsilon=0.1).apply(data, np.random.default_rng(seed)).y
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(altered.y, again)
    assert not np.array_equal(again, other)


def test_guarantee_of_randomised_response():
    stated = RandomizedResponse(epsilon=1.5).guarantee(context(MIXED))
    assert (stated.kind, stated.epsilon, stated.delta) == ("local-dp", 1.5, 0.0)
    assert stated.adjacency == "local"
    assert ONLY_LABELS_COVERED in stated.conditions


@pytest.mark.parametrize("params", [{}, {"epsilon": 0}, {"epsilon": -1}, {"epsilon": math.inf}])
def test_epsilon_is_a_choice_within_bounds(params):
    with pytest.raises(ValidationError, match="epsilon"):
        RandomizedResponse(**params)
