import pytest

from privbench.privacy import Guarantee, compose

DP = Guarantee("dp", 7.9912345, 1e-5, "add-remove", "prv (Opacus)", ("Poisson sampling",))
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "closed form")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")


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
    assert compose([("dp-sgd", DP)]) == (DP, "")


def test_compose_several_names_them_and_claims_nothing():
    result, reason = compose([("metric-privacy", METRIC), ("dp-sgd", DP)])
    assert result is None
    assert f"metric-privacy {METRIC.short()}" in reason
    assert f"dp-sgd {DP.short()}" in reason


def test_json_holds_every_field():
    stored = DP.to_json()
    assert Guarantee(**{**stored, "conditions": tuple(stored["conditions"])}) == DP
