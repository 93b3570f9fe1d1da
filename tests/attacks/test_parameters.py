"""Every parameter of every attack changes the scores, and invalid values are refused."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.attacks.base import Attack
from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.gradient import Gradient
from privbench.attacks.info_rmia import InfoRmia
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.ml_leaks import MlLeaks
from privbench.attacks.oslo import Oslo
from privbench.attacks.pmia import Pmia
from privbench.attacks.quantile import Quantile
from privbench.attacks.rmia import Rmia
from privbench.attacks.shokri import Shokri
from privbench.plugins.builtins import register_attacks

from .helpers import random_population, views_of

# Two values of one parameter; what they share is a case in which it should matter.
MATTERS = [
    (Shokri, "penalty", {}, (0.01, 100.0)),
    (MlLeaks, "penalty", {}, (0.01, 100.0)),
    (MlLeaks, "largest", {}, (1, 3)),
    *((Lira, "mode", {"variance": v}, ("online", "offline")) for v in ("per-record", "global")),
    (Lira, "mode", {"variance": "shrunk"}, ("online", "offline")),
    *((Lira, "variance", {"mode": m}, ("per-record", "global")) for m in ("online", "offline")),
    *((Lira, "variance", {"mode": m}, ("shrunk", "global")) for m in ("online", "offline")),
    *((Lira, "variance", {"mode": m}, ("shrunk", "per-record")) for m in ("online", "offline")),
    (Rmia, "mode", {}, ("online", "offline")),
    (Rmia, "a", {"mode": "offline"}, (0.0, 1.0)),
    (Rmia, "gamma", {"mode": "online"}, (1.0, 2.0)),
    (Rmia, "gamma", {"mode": "offline"}, (1.0, 2.0)),
    (Rmia, "a", {"mode": "offline"}, (None, 1.0)),
    (BaseAttack, "mode", {}, ("online", "offline")),
    (Quantile, "level", {}, (0.1, 0.9)),
    (Quantile, "trees", {}, (1, 50)),
    (Quantile, "leaf", {}, (2, 50)),
    (LabelOnly, "copies", {}, (1, 8)),
    (LabelOnly, "noise", {}, (0.01, 1.0)),
    (LabelOnly, "flips", {"noise": 1e-6}, (0.001, 0.5)),
    (LabelOnly, "calibrated", {}, (False, True)),
    (Gradient, "calibrated", {}, (False, True)),
    *((Pmia, "proxies", {}, pair) for pair in (("global", "class"), ("class", "instance"))),
    (Pmia, "neighbours", {}, (4, 40)),
    (Oslo, "threshold", {}, (0.001, 0.3)),
    (Oslo, "budget", {}, (0.001, 0.5)),
    (Oslo, "stages", {}, (1, 10)),
    (Oslo, "validation", {}, (0.1, 0.9)),
]
ONLY_WITH_MORE_QUERIES = {  # test_repeated.py
    (attack, "queries_per_record") for attack in (Lira, Rmia, InfoRmia, BaseAttack)
}
ONLY_IN_NETWORKS_WITH_LAYERS = {(Oslo, "iterations")}  # test_oslo.py
REFUSED = [
    (Shokri, "penalty", [0.0, -1.0, float("inf"), float("nan")]),
    (MlLeaks, "penalty", [0.0, -1.0, float("inf"), float("nan")]),
    (MlLeaks, "largest", [0, -1]),
    (Lira, "mode", ["both", ""]),
    (Lira, "variance", ["per_record", "none"]),
    *((attack, "queries_per_record", [0, -1]) for attack in (Lira, Rmia, InfoRmia, BaseAttack)),
    (Rmia, "mode", ["both", ""]),
    (BaseAttack, "mode", ["both", ""]),
    (Rmia, "a", [-0.1, 1.1, float("nan")]),
    (Rmia, "gamma", [0.0, -1.0, float("inf")]),
    (Quantile, "level", [0.0, 1.0, -0.1, 1.1]),
    (Quantile, "trees", [0, -1]),
    (Quantile, "leaf", [0, -1]),
    (LabelOnly, "copies", [0, -1]),
    (LabelOnly, "noise", [0.0, -1.0]),
    (LabelOnly, "flips", [0.0, -0.1, 1.1]),
    (LabelOnly, "calibrated", ["sometimes"]),
    (Gradient, "calibrated", ["sometimes"]),
    (Pmia, "proxies", ["all", ""]),
    (Pmia, "neighbours", [1, 0]),
    (Oslo, "threshold", [0.0, 1.1]),
    (Oslo, "budget", [0.0, 1.1]),
    (Oslo, "stages", [0]),
    (Oslo, "iterations", [0]),
    (Oslo, "validation", [0.0, 1.0]),
]


def all_parameters():
    registered = []
    register_attacks(registered.append)
    on_outputs = [cls for cls in registered if issubclass(cls, Attack)]
    return {(cls, name) for cls in on_outputs for name in cls.model_fields}


def view():
    """Return a view whose records have binary features and numbers."""
    plain = views_of(*random_population(n=60, references=120), references=120)[0]
    half = np.arange(180) % 2 == 0  # features of records, one each
    records, reference_records = (
        np.where(half, x > 0, x).astype(np.float32)
        for x in (plain.records, plain.reference_records)
    )
    return dataclasses.replace(plain, records=records, reference_records=reference_records)


@pytest.mark.parametrize(("cls", "name", "shared", "values"), MATTERS)
def test_it_matters(cls, name, shared, values):
    first, second = (cls(**shared, **{name: value}).score(view()) for value in values)
    assert np.mean(~np.isclose(first, second, rtol=1e-3)) > 0.2


@pytest.mark.parametrize(
    ("cls", "name", "value"), [(cls, name, v) for cls, name, values in REFUSED for v in values]
)
def test_it_has_bounds(cls, name, value):
    with pytest.raises(ValidationError, match=name):
        cls(**{name: value})


def test_no_parameter_is_forgotten():
    matter = {(cls, name) for cls, name, *_ in MATTERS}
    assert matter | ONLY_WITH_MORE_QUERIES | ONLY_IN_NETWORKS_WITH_LAYERS == all_parameters()
    assert {(cls, name) for cls, name, *_ in REFUSED} == all_parameters()


def test_a_of_rmia_is_for_offline_only():
    first, second = (Rmia(mode="online", a=a).score(view()) for a in (0.0, 1.0))
    np.testing.assert_array_equal(first, second)
