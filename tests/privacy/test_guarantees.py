import math
import re
from dataclasses import replace

import pytest

from privbench.privacy import Guarantee, Stated, compose
from privbench.privacy.guarantees import NOT_SO

DP = Guarantee("dp", 7.9912345, 1e-5, "add-remove", "prv (Opacus)", ("Poisson sampling",))
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "closed form")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")
FEATURES = Guarantee("local-dp", 3.0, 0.0, "local", "x", ("labels are not covered",), "features")
LABELS = Guarantee("local-dp", 1.0, 0.0, "local", "y", ("only labels are covered",), "labels")
FIT = Guarantee("dp", 2.0, 1e-6, "add-remove", "rdp (Opacus)")
N = 1_000
FIT_DELTA = (1 + math.exp(2.0)) * 1e-6  # of replacing a record, by group privacy


@pytest.mark.parametrize(
    ("guarantee", "text"),
    [
        (DP, "ε=7.991 δ=1e-05 (add-remove)"),
        (LOCAL, "ε=16 (local)"),
        (METRIC, "ε=8 per unit distance"),
    ],
)
def test_short(guarantee, text):
    assert guarantee.short() == text


def test_compose_nothing():
    assert compose([], N) == (None, "")


def test_compose_one_keeps_its_conditions():
    assert compose([Stated("dp-sgd", DP)], N) == (DP, "")


def test_compose_several_names_them_and_claims_nothing():
    result, reason = compose([Stated("metric-privacy", METRIC), Stated("dp-sgd", DP)], N)
    assert result is None
    assert f"metric-privacy {METRIC.short()}" in reason
    assert f"dp-sgd {DP.short()}" in reason


def test_json_holds_every_field():
    stored = DP.to_json()
    assert Guarantee(**{**stored, "conditions": tuple(stored["conditions"])}) == DP


def test_of_guarantees_in_sequence_the_smallest_counts():
    """For sets of fixed size: adding and removing cost twice, so 7.99 of them are more than 15."""
    local = replace(LOCAL, epsilon=15.0)
    assert compose([Stated("input-noise", local), Stated("dp-sgd", DP)], N) == (local, "")
    assert compose([Stated("input-noise", LOCAL), Stated("dp-sgd", DP)], N) == (DP, "")
    assert compose([Stated("input-noise", FEATURES), Stated("dp-sgd", DP)], N) == (DP, "")
    assert compose([Stated("randomized-response", LABELS), Stated("dp-sgd", DP)], N) == (DP, "")


def test_features_and_labels_add_up_to_records():
    result, _ = compose([Stated("randomized-response", LABELS), Stated("gaussian", FEATURES)], N)
    assert result == Guarantee("local-dp", 4.0, 0.0, "local", "x + y", (), "records")


@pytest.mark.parametrize("guarantee", [LOCAL, FEATURES, LABELS])
def test_a_fit_adds_to_what_reads_the_same_records(guarantee):
    """A fit covers whole records, so the sum covers what the mechanism covers."""
    result, _ = compose([Stated("mechanism", guarantee, FIT)], N)
    assert result.epsilon == 4.0 + guarantee.epsilon
    assert result.delta == pytest.approx(FIT_DELTA)
    assert (result.kind, result.adjacency) == ("dp", "replace-one")
    assert result.covers == guarantee.covers
    assert result.conditions == guarantee.conditions


def test_a_fit_features_and_labels_add_up_once():
    stated = [Stated("randomized-response", LABELS), Stated("gaussian", FEATURES, FIT)]
    result, _ = compose(stated, N)
    assert (result.epsilon, result.covers, result.conditions) == (8.0, "records", ())
    assert result.delta == pytest.approx(FIT_DELTA)


def test_metric_privacy_has_nothing_to_add_to_a_fit():
    result, reason = compose([Stated("metric-privacy", METRIC, FIT)], N)
    assert result is None
    assert f"metric-privacy {METRIC.short()} has no finite epsilon" in reason
    assert FIT.short() in reason


def test_two_of_adding_and_removing_add_up_as_such():
    result, _ = compose([Stated("dp-sgd", DP, FIT)], N)
    assert (result.epsilon, result.delta) == (DP.epsilon + 2.0, pytest.approx(1.1e-5))
    assert (result.kind, result.adjacency, result.covers) == ("dp", "add-remove", "records")


def stated(*guarantees):
    return [Stated(f"m{i}", one) for i, one in enumerate(guarantees)]


def test_features_and_labels_count_before_a_larger_claim_of_records():
    result, _ = compose(stated(LABELS, FEATURES, DP), N)
    assert (result.epsilon, result.kind, result.covers) == (4.0, "local-dp", "records")
    small = replace(DP, epsilon=1.5)  # 3 of replacing a record
    assert compose(stated(LABELS, FEATURES, small), N)[0] == small


def test_what_is_known_to_be_broken_counts_last():
    broken = replace(LOCAL, epsilon=0.1, conditions=(f"trust {NOT_SO}none)",))
    assert not broken.holds()
    assert compose(stated(broken, LOCAL), N)[0] == LOCAL
    assert compose(stated(FEATURES, broken), N)[0] == FEATURES
    assert compose(stated(broken), N)[0] == broken
    assert compose(stated(LABELS, replace(broken, covers="features")), N)[0] == LABELS


def test_a_delta_that_allows_to_publish_a_record_counts_after_others():
    vacuous = replace(LOCAL, epsilon=0.0, delta=1 / N)
    assert compose(stated(vacuous, LOCAL), N)[0] == LOCAL
    fine = replace(vacuous, delta=0.5 / N)
    assert compose(stated(fine, LOCAL), N)[0] == fine


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "DP"}, "kind 'DP' (allowed: dp, local-dp, metric-dp)"),
        ({"adjacency": "add_remove"}, "adjacency of dp 'add_remove' (allowed: add-remove, replace"),
        ({"adjacency": "local"}, "adjacency of dp 'local'"),
        ({"kind": "local-dp"}, "adjacency of local-dp 'add-remove' (allowed: local)"),
        ({"covers": "feature"}, "covers 'feature' (allowed: records, features, labels)"),
        ({"epsilon": -1.0}, "epsilon -1.0 (allowed: a finite number >= 0)"),
        ({"epsilon": math.inf}, "epsilon inf"),
        ({"epsilon": math.nan}, "epsilon nan"),
        ({"epsilon": "8"}, "epsilon '8'"),
        ({"delta": 2.0}, "delta 2.0 (allowed: a number from 0 to 1)"),
        ({"delta": -1e-9}, "delta -1e-09"),
        ({"conditions": "one query"}, "conditions 'one query' (allowed: a tuple of str)"),
        ({"conditions": (1,)}, "conditions (1,)"),
    ],
)
def test_what_is_no_guarantee_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(DP, **changes)
