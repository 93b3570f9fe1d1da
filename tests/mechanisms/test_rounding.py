"""Rounded outputs against round()."""

import numpy as np
import pytest

from privbench.mechanisms.rounding import Rounding

from .outputs import outputs, rng


@pytest.mark.parametrize("digits", [1, 2, 4])
def test_rounding_rounds_and_scales(digits):
    for bare, found in zip(outputs(), Rounding(digits=digits).apply(outputs(), rng()), strict=True):
        rounded = [round(p, digits) for p in bare]
        np.testing.assert_allclose(found, [p / sum(rounded) for p in rounded])


def test_limits_of_rounding():
    np.testing.assert_allclose(Rounding(digits=12).apply(outputs(), rng()), outputs(), atol=1e-11)
    none = Rounding(digits=1).apply(np.full((2, 40), 1 / 40), rng())
    np.testing.assert_allclose(none, 1 / 40)  # all are rounded to zero


def test_probabilities_below_the_resolution_round_to_zero():
    for digits in (1, 3):
        edge = Rounding(digits=digits).resolution()
        for share, seen in ((0.99, False), (1.01, True)):
            p = edge * share
            found = Rounding(digits=digits).apply(np.array([[1 - p, p]]), rng())
            assert (found[0, 1] > 0) == seen
