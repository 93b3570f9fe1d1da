"""Copies of what is handed to third-party code."""

from dataclasses import dataclass

import numpy as np
import pytest

from privbench.components.copies import own_arrays


@dataclass(frozen=True)
class Pair:
    """Two arrays and something else."""

    first: np.ndarray
    second: list
    other: object = None


def test_arrays_are_read_only_copies_at_any_depth():
    original = np.arange(3.0)
    marker = object()
    pair = own_arrays(Pair(original, [Pair(original, [])], marker))
    assert not np.shares_memory(pair.first, original)
    assert (pair.first == original).all()
    assert pair.other is marker
    with pytest.raises(ValueError, match="read-only"):
        pair.second[0].first[0] = 1
    original[0] = 1  # stays as it was


def test_one_object_stays_one_object():
    shared = np.arange(3.0)
    pair = own_arrays(Pair(shared, [shared]))
    assert pair.first is pair.second[0]
