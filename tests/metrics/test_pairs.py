"""Sorted pairs: their order, ties, the mirrored order, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from privbench.metrics.pairs import Pairs

from .populations import random_population


@pytest.fixture(params=[None, 1], ids=["no ties", "ties"])
def population(request, rng):
    return random_population(rng, request.param, n_models=4, n_records=30)


def check_sorted(pairs, scores, row, is_member):
    """``scores``, ``row`` and ``is_member`` are those of all pairs, in any order."""
    index = pairs.threshold_index()
    ours = sorted(zip(pairs.thresholds[index], pairs.row, pairs.is_member, strict=True))
    assert ours == sorted(zip(scores, row, is_member, strict=True))
    assert (np.diff(pairs.thresholds) < 0).all()
    assert (np.diff(index) >= 0).all()
    assert list(pairs.ends) == [(scores >= threshold).sum() for threshold in pairs.thresholds]
    for i in range(pairs.n_models):
        assert pairs.members[i] == is_member[row == i].sum()
        assert pairs.nonmembers[i] == (~is_member[row == i]).sum()


def test_the_largest_score_comes_first(population):
    scores, member = population
    row = np.repeat(np.arange(4), 30)
    check_sorted(Pairs.sort(scores, member), scores.ravel(), row, member.ravel())


def test_mirrored_pairs_are_those_of_the_opposite_question(population):
    scores, member = population
    row = np.repeat(np.arange(4), 30)
    mirrored = Pairs.sort(scores, member).mirrored()
    check_sorted(mirrored, -scores.ravel(), row, ~member.ravel())


def test_groups_of_records_stand_in_for_models(population, rng):
    scores, member = (x.ravel() for x in population)
    group = rng.permutation(np.arange(120) % 7)
    pairs = Pairs.grouped(scores, member, group)
    assert pairs.n_models == 7
    check_sorted(pairs, scores, group, member)


def test_checked_pairs_keep_no_thresholds(population):
    assert len(Pairs.of(*population).thresholds) == 0


@pytest.mark.parametrize(
    ("scores", "member", "message"),
    [
        (np.zeros(3), np.ones(3, bool), "expected 2 axes"),
        (np.zeros((2, 3)), np.ones((3, 2), bool), r"\(2, 3\) and \(3, 2\)"),
        (np.array([[0.0, np.nan]]), np.array([[True, False]]), "1 of 2 scores are not finite"),
        (np.array([[0.0, np.inf]]), np.array([[True, False]]), "not finite"),
        (np.zeros((1, 2)), np.array([[1, 0]]), "expected bool"),
        (np.zeros((1, 2)), np.array([[False, False]]), "no pair is a member"),
        (np.zeros((1, 2)), np.array([[True, True]]), "every pair is a member"),
    ],
)
def test_bad_input_is_named(scores, member, message):
    with pytest.raises(ValueError, match=message):
        Pairs.of(scores, member)
