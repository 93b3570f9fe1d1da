"""Groups of records: totals against loops, and groups that are not of one kind."""

import numpy as np
import pytest

from privbench.metrics.groups import Groups, named


def test_totals_against_a_loop():
    rng = np.random.default_rng(0)
    values = rng.choice(["b", "a", "d", "c"], 50)
    scores, groups = rng.normal(size=(3, 50)), Groups.of(values)
    assert groups.names == list(dict.fromkeys(values.tolist()))
    for model in range(3):
        for g, name in enumerate(groups.names):
            own = [s for s, value in zip(scores[model], values, strict=True) if value == name]
            assert groups.scores(scores, add=True)[model, g] == pytest.approx(sum(own))
            mean = groups.scores(scores, add=False)[model, g]
            assert mean == pytest.approx(sum(own) / len(own))


def test_groups_of_one_record_change_no_bit():
    scores = np.random.default_rng(0).normal(size=(3, 50))
    groups = Groups.of(np.random.default_rng(1).permutation(50))
    for add in (True, False):
        np.testing.assert_array_equal(groups.scores(scores, add=add), scores)


def test_membership_of_groups_and_of_their_records():
    groups = Groups.of(np.array([7, 3, 7, 5, 3]))
    of_groups = np.array([[True, False, True], [False, False, True]])
    of_records = groups.expanded(of_groups)
    assert of_records.tolist() == [
        [True, False, True, True, False],
        [False, False, False, True, False],
    ]
    np.testing.assert_array_equal(groups.member(of_records), of_groups)
    assert groups.mixed(of_records) == []
    of_records[1, 4] = True
    assert groups.mixed(of_records) == ["3"]


def test_a_message_names_some():
    assert named(["a", "b"]) == "'a', 'b'"
    assert named([str(i) for i in range(8)]) == "'0', '1', '2', '3', '4' and 3 more"
