"""Holm's correction: by hand, and how often it errs."""

import numpy as np
import pytest

from privbench.metrics import holm


def test_by_hand():
    """0.01 <= 0.05 / 4, 0.015 <= 0.05 / 3, and 0.03 > 0.05 / 2 stops, although 0.04 <= 0.05."""
    assert holm([0.04, 0.01, 0.03, 0.015]) == [False, True, False, True]
    assert holm([0.2, 0.001], level=0.001) == [False, False]
    assert holm([]) == []


def test_a_p_value_at_the_level_is_rejected_and_ties_go_together():
    assert holm([0.025, 0.025]) == [True, True]
    assert holm([0.05]) == [True]


def test_order_does_not_matter(rng):
    p = rng.random(20) ** 4
    order = rng.permutation(20)
    assert holm(p[order]) == [holm(p)[i] for i in order]


def test_the_family_errs_in_at_most_5_percent(rng):
    """Ten true hypotheses and ten false ones, whose p-values are 0."""
    errors = [any(holm([*rng.random(10), *[0.0] * 10])[:10]) for _ in range(2000)]
    assert 0.03 < np.mean(errors) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(bad):
    with pytest.raises(ValueError, match="p-value"):
        holm([0.1, bad])
    with pytest.raises(ValueError, match="level"):
        holm([0.1], level=bad)
