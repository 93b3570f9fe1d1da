"""Verdicts on attacks whose epsilon is known."""

import numpy as np
import pytest

from privbench.membership import draw_membership
from privbench.privacy import Guarantee
from privbench.privacy.verdict import DEFAULT_DELTA, audit_guarantee, pairs_of_same_label


def game(n_models=32, seed=0):
    """Membership (models, 400) and the records' labels, four rare and four frequent ones."""
    labels = np.repeat(np.arange(8), [10] * 4 + [90] * 4)
    member = draw_membership(n_models, np.zeros(400, dtype=bool), ["game", seed])
    return member, labels


def stated(covers, epsilon=0.2, kind="local-dp", **changes):
    return Guarantee(kind, epsilon, 0.0, "local", "", (), covers, **changes)


def test_counting_labels_refutes_what_covers_records_and_not_what_covers_features():
    """The attack reads nothing but how many members each label has."""
    member, labels = game()
    one_hot = np.eye(8)[labels]
    scores = (member @ one_hot / one_hot.sum(0)) @ one_hot.T
    rng = np.random.default_rng(0)
    whole = audit_guarantee(stated("records"), scores, scores, member, labels, rng)
    assert whole["verdict"] == "refuted"
    features = audit_guarantee(stated("features"), scores, scores, member, labels, rng)
    assert features == {"audited_epsilon": 0.0, "verdict": "consistent"}


@pytest.mark.parametrize("covers", ["records", "features"])
def test_a_feature_that_leaks_refutes_small_epsilons_only(covers):
    """Each pair's coin is answered by randomised response with epsilon 2."""
    member, labels = game()
    lies = np.random.default_rng(1).random(member.shape) < 1 / (1 + np.exp(2.0))
    scores = (member ^ lies).astype(float)
    for epsilon, verdict in ((1.0, "refuted"), (2.0, "consistent")):
        guarantee, rng = stated(covers, epsilon), np.random.default_rng(2)
        result = audit_guarantee(guarantee, scores, scores, member, labels, rng)
        assert result["verdict"] == verdict
        assert 1.7 < result["audited_epsilon"] < 2.0


@pytest.mark.parametrize(
    "guarantee",
    [
        None,
        stated("labels"),
        stated("features", kind="metric-dp"),
        Guarantee("dp", 32.0, 1e-5, "add-remove", ""),  # group privacy makes delta 1
    ],
)
def test_what_says_nothing_of_replacing_a_record_has_no_verdict(guarantee):
    member, labels = game(8)
    result = audit_guarantee(
        guarantee, member * 1.0, member * 1.0, member, labels, np.random.default_rng(0)
    )
    assert result["verdict"] is None
    assert result["audited_epsilon"] > 4


def test_as_many_pairs_in_as_out_of_each_label_are_drawn():
    member, labels = game()
    counted = pairs_of_same_label(member, labels, np.random.default_rng(0))
    for label in range(8):
        inside, chosen = member[:, labels == label], counted[:, labels == label]
        few = np.minimum(inside.sum(1), (~inside).sum(1))
        np.testing.assert_array_equal((chosen & inside).sum(1), few)
        np.testing.assert_array_equal((chosen & ~inside).sum(1), few)
    redrawn = pairs_of_same_label(member, labels, np.random.default_rng(1))
    assert (counted != redrawn).any()


def test_the_bound_is_at_the_delta_of_the_guarantee():
    """Of few pairs a delta of 0.1 explains some of the errors."""
    member, labels = game(4)
    scores = member * 1.0

    def bound(delta):
        guarantee = None if delta is None else Guarantee("dp", 1.0, delta, "replace-one", "")
        rng = np.random.default_rng(0)
        return audit_guarantee(guarantee, scores, scores, member, labels, rng)["audited_epsilon"]

    assert bound(0.1) < bound(DEFAULT_DELTA) == bound(None)
