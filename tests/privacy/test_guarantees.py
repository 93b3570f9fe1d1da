import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from privbench.privacy import Condition, Guarantee, gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import SCALED_APART

DP = Guarantee("dp", 7.9912345, 1e-5, "add-remove", "prv (Opacus)", ("Poisson sampling",))
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "closed form")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")
BROKEN = Condition("trust", met=False, why="none")
PROFILE = ((5.0, 0.01), (13.1, 1e-5), (20.0, 1e-10))


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


def test_a_text_stands_for_a_condition():
    assert DP.conditions == (Condition("Poisson sampling"),)
    assert replace(DP, conditions=["a", BROKEN]).conditions == (Condition("a"), BROKEN)


def test_json_holds_every_field():
    guarantee = replace(
        DP, conditions=("a", BROKEN), covers="features", profile=PROFILE, gaussian=True
    )
    stored = json.loads(json.dumps(guarantee.to_json()))
    assert stored["conditions"][0] == {"text": "a", "met": None, "why": "", "name": ""}
    assert Guarantee.from_json(stored) == guarantee


def test_rows_without_a_profile_are_read():
    stored = DP.to_json()
    del stored["profile"], stored["gaussian"]
    assert Guarantee.from_json(stored) == DP


def test_numbers_of_numpy_become_floats():
    points = [np.array([1.0, 0.1], dtype=np.float32)[:2].tolist(), (np.float64(2.0), np.float32(0))]
    profile = replace(DP, profile=points, gaussian=np.bool_(True)).to_json()["profile"]
    assert profile == [[1.0, pytest.approx(0.1)], [2.0, 0.0]]
    assert all(type(number) is float for pair in profile for number in pair)


def test_the_profile_decides_what_replacing_costs():
    """The best of its points that hold at the guarantee's delta, and never group privacy."""
    direct = replace(DP, profile=PROFILE)
    assert direct.of_replacing() == direct.replace_one() == (13.1, 1e-5)
    assert direct.group_privacy() == DP.of_replacing() == DP.replace_one()
    assert replace(direct, delta=2e-5).of_replacing() == (13.1, 2e-5)
    assert replace(direct, delta=1e-12).of_replacing() == replace(DP, delta=1e-12).group_privacy()
    assert replace(direct, covers="labels").of_replacing() is None


@pytest.mark.parametrize(
    ("guarantee", "at_delta", "expected"),
    [
        (replace(DP, delta=1e-12, profile=PROFILE), 1e-5, (13.1, 1e-5)),
        (replace(DP, delta=1e-10, profile=PROFILE), 1e-6, (20.0, 1e-6)),
        (replace(DP, delta=0.01, profile=PROFILE), 1e-5, (5.0, 0.01)),
        (Guarantee("dp", 1.0, 0.0, "add-remove", ""), 1e-5, (2.0, 1e-5)),
        (Guarantee("dp", 1.0, 1e-5, "add-remove", ""), 1e-5, (2.0, (1 + math.e) * 1e-5)),
        (Guarantee("dp", 1.0, 1e-7, "replace-one", ""), 1e-5, (1.0, 1e-5)),
        (METRIC, 1e-5, None),
    ],
)
def test_replacing_at_a_larger_delta(guarantee, at_delta, expected):
    assert guarantee.of_replacing(at_delta) == expected


def test_the_bound_on_a_tpr_is_the_best_of_the_profile():
    """A Gaussian's trade-off curve is known; the points touch it, so the bound is hardly above it."""
    sigma = 1.5
    profile = gaussian_profile(sigma=sigma, delta=1e-5, sensitivity=2.0)
    alone = Guarantee("dp", 1.0, 1e-5, "add-remove", "", profile=profile[-8:-7])
    whole = replace(alone, profile=profile)
    for fpr in (1e-3, 1e-2, 0.1, 0.5):
        best = norm.cdf(norm.ppf(fpr) + 2 / sigma)
        assert best <= whole.tpr_bound(fpr) < best + 3e-3
        assert whole.tpr_bound(fpr) <= alone.tpr_bound(fpr)


def test_what_is_known_without_a_profile_still_bounds_a_tpr():
    loose = Guarantee("dp", 0.1, 0.0, "replace-one", "", profile=((3.0, 0.1),))
    assert loose.tpr_bound(0.01) == replace(loose, profile=()).tpr_bound(0.01)


def test_conditions_that_older_rows_store_as_texts_are_read():
    stored = DP.to_json() | {"conditions": ["a", "trust (not so here: none)"]}
    assert Guarantee.from_json(stored).conditions == (Condition("a"), BROKEN)


def test_further_conditions_come_last():
    assert DP.under(BROKEN).conditions == (*DP.conditions, BROKEN)
    assert DP.under() == DP


def test_a_broken_condition_breaks_a_guarantee_unless_it_is_on_scaling():
    assert not DP.is_broken()
    assert not DP.under(SCALED_APART).is_broken()
    assert DP.under(SCALED_APART, BROKEN).is_broken()
    assert not DP.under(Condition("trust", met=True)).is_broken()


def test_group_privacy_bounds_two_steps_of_a_gaussian():
    """Replacing moves a sum by up to 2: the exact delta at 2 epsilon is that of sensitivity 2."""
    sigma, delta = 2.0, 1e-6
    one = gaussian_epsilon(sigma=sigma, delta=delta, sensitivity=1.0)
    epsilon, total = Guarantee("dp", one, delta, "add-remove", "").group_privacy()
    ratio = 2 / sigma
    exact = norm.cdf(ratio / 2 - epsilon / ratio) - np.exp(epsilon) * norm.cdf(
        -ratio / 2 - epsilon / ratio
    )
    assert (epsilon, total) == (2 * one, pytest.approx((1 + math.exp(one)) * delta))
    assert exact <= total
    assert exact > delta  # without the growth of delta the bound would be wrong


@pytest.mark.parametrize("adjacency", ["replace-one", "local"])
def test_what_is_for_replacing_a_record_is_not_converted(adjacency):
    kind = "local-dp" if adjacency == "local" else "dp"
    assert Guarantee(kind, 3.0, 1e-5, adjacency, "").of_replacing() == (3.0, 1e-5)


def test_a_large_epsilon_leaves_a_delta_of_one():
    assert Guarantee("dp", 1e6, 1e-5, "add-remove", "").of_replacing() == (2e6, 1.0)


def test_metric_privacy_and_labels_say_nothing_of_replacing_a_record():
    assert METRIC.of_replacing() is None
    assert replace(LOCAL, covers="labels").of_replacing() is None
    assert replace(LOCAL, covers="features").of_replacing() == (16.0, 0.0)


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
        (
            {"conditions": "one query"},
            "conditions 'one query' (allowed: a tuple of Condition or str)",
        ),
        ({"conditions": (1,)}, "conditions (1,)"),
        ({"profile": ((1.0,),)}, "profile ((1.0,),) (allowed: pairs of a finite epsilon >= 0"),
        ({"profile": ((math.inf, 0.1),)}, "profile ((inf, 0.1),)"),
        ({"profile": ((1.0, 1.1),)}, "profile ((1.0, 1.1),)"),
        ({"profile": ((math.nan, 0.1),)}, "profile ((nan, 0.1),)"),
        ({"profile": "none"}, "profile 'none'"),
        ({"profile": (("1", 0.1),)}, "profile (('1', 0.1),)"),
        ({"gaussian": "yes"}, "gaussian 'yes' (allowed: True, False)"),
    ],
)
def test_what_is_no_guarantee_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(DP, **changes)


def test_a_gaussian_attack_stays_below_the_bound_and_reaches_its_envelope():
    """The best attack on one Gaussian release is known; (epsilon, delta) bound it for each delta."""
    sigma, fpr = 1.0, 0.01
    best = norm.cdf(norm.ppf(fpr) + 1 / sigma)
    bounds = [
        Guarantee("dp", gaussian_epsilon(sigma=sigma, delta=d, sensitivity=1.0), d, "replace-one", "")
        .tpr_bound(fpr)
        for d in np.geomspace(1e-6, 0.2, 100)
    ]  # fmt: skip
    assert best <= min(bounds) < best + 1e-3


@pytest.mark.parametrize(("fpr", "epsilon", "expected"), [(0.01, 0.0, 0.01), (0.2, 0.0, 0.2)])
def test_an_epsilon_of_zero_allows_guessing_only(fpr, epsilon, expected):
    assert Guarantee("dp", epsilon, 0.0, "replace-one", "").tpr_bound(fpr) == pytest.approx(
        expected
    )


def test_the_bound_is_for_replacing_a_record():
    added = Guarantee("dp", 1.0, 0.0, "add-remove", "")
    assert added.tpr_bound(0.01) == Guarantee("dp", 2.0, 0.0, "replace-one", "").tpr_bound(0.01)
    assert added.tpr_bound(0.01) == pytest.approx(0.01 * math.exp(2))
    assert METRIC.tpr_bound(0.01) is None
    assert Guarantee("dp", 159.0, 1e-5, "replace-one", "").tpr_bound(0.01) == 1.0
    loose = Guarantee("dp", 5.0, 0.0, "replace-one", "").tpr_bound(0.01)
    assert loose == pytest.approx(1 - 0.99 * math.exp(-5))
