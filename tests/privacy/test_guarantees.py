import math
from dataclasses import replace

import pytest

from privbench.privacy import Guarantee, Stated, compose

DP = Guarantee("dp", 7.9912345, 1e-5, "add-remove", "prv (Opacus)", ("Poisson sampling",))
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "closed form")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")
FEATURES = Guarantee("local-dp", 3.0, 0.0, "local", "x", ("labels are not covered",), "features")
LABELS = Guarantee("local-dp", 1.0, 0.0, "local", "y", ("only labels are covered",), "labels")
FIT = Guarantee("dp", 2.0, 1e-6, "add-remove", "rdp (Opacus)")
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
    assert compose([]) == (None, "")


def test_compose_one_keeps_its_conditions():
    assert compose([Stated("dp-sgd", DP)]) == (DP, "")


def test_compose_several_names_them_and_claims_nothing():
    result, reason = compose([Stated("metric-privacy", METRIC), Stated("dp-sgd", DP)])
    assert result is None
    assert f"metric-privacy {METRIC.short()}" in reason
    assert f"dp-sgd {DP.short()}" in reason


def test_json_holds_every_field():
    stored = DP.to_json()
    assert Guarantee(**{**stored, "conditions": tuple(stored["conditions"])}) == DP


def test_of_guarantees_in_sequence_the_smallest_counts():
    """For sets of fixed size: adding and removing cost twice, so 7.99 of them are more than 15."""
    local = replace(LOCAL, epsilon=15.0)
    assert compose([Stated("input-noise", local), Stated("dp-sgd", DP)]) == (local, "")
    assert compose([Stated("input-noise", LOCAL), Stated("dp-sgd", DP)]) == (DP, "")
    assert compose([Stated("input-noise", FEATURES), Stated("dp-sgd", DP)]) == (DP, "")
    assert compose([Stated("randomized-response", LABELS), Stated("dp-sgd", DP)]) == (DP, "")


def test_features_and_labels_add_up_to_records():
    result, _ = compose([Stated("randomized-response", LABELS), Stated("gaussian", FEATURES)])
    assert result == Guarantee("local-dp", 4.0, 0.0, "local", "x + y", (), "records")


@pytest.mark.parametrize("guarantee", [LOCAL, FEATURES, LABELS])
def test_a_fit_adds_to_what_reads_the_same_records(guarantee):
    """A fit covers whole records, so the sum covers what the mechanism covers."""
    result, _ = compose([Stated("mechanism", guarantee, FIT)])
    assert result.epsilon == 4.0 + guarantee.epsilon
    assert result.delta == pytest.approx(FIT_DELTA)
    assert (result.kind, result.adjacency) == ("dp", "replace-one")
    assert result.covers == guarantee.covers
    assert result.conditions == guarantee.conditions


def test_a_fit_features_and_labels_add_up_once():
    stated = [Stated("randomized-response", LABELS), Stated("gaussian", FEATURES, FIT)]
    result, _ = compose(stated)
    assert (result.epsilon, result.covers, result.conditions) == (8.0, "records", ())
    assert result.delta == pytest.approx(FIT_DELTA)


def test_metric_privacy_has_nothing_to_add_to_a_fit():
    result, reason = compose([Stated("metric-privacy", METRIC, FIT)])
    assert result is None
    assert f"metric-privacy {METRIC.short()} has no finite epsilon" in reason
    assert FIT.short() in reason
