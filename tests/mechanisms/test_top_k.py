"""The published and the remaining classes of top-k."""

import numpy as np
import pytest

from privbench.mechanisms.top_k import TopK

from .outputs import CLASSES, outputs, rng


@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_classes_are_published_and_the_rest_is_spread(k):
    for bare, found in zip(outputs(), TopK(k=k).apply(outputs(), rng()), strict=True):
        ranked = sorted(range(CLASSES), key=lambda c: -bare[c])
        rest = sum(bare[c] for c in ranked[k:]) / (CLASSES - k)
        for place, c in enumerate(ranked):
            assert found[c] == pytest.approx(bare[c] if place < k else rest)


@pytest.mark.parametrize("k", [CLASSES - 1, CLASSES, 100])
def test_top_k_of_all_classes_but_one_changes_nothing(k):
    np.testing.assert_array_equal(TopK(k=k).apply(outputs(), rng()), outputs())
