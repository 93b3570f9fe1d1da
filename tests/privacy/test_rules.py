"""Sums of guarantees, and which of several is shown."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from privbench.privacy import Condition, Guarantee, gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import LABELS_NOT_COVERED, ONLY_LABELS_COVERED, SCALED_APART
from privbench.privacy.rules import basic_composition, features_and_labels, post_processing

DP = Guarantee("dp", 7.9912345, 1e-5, "add-remove", "prv (Opacus)", ("Poisson sampling",))
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "closed form")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")
FEATURES = Guarantee("local-dp", 3.0, 0.0, "local", "x", (LABELS_NOT_COVERED,), "features")
LABELS = Guarantee("local-dp", 1.0, 0.0, "local", "y", (ONLY_LABELS_COVERED,), "labels")
FIT = Guarantee("dp", 2.0, 1e-6, "add-remove", "rdp (Opacus)")
BROKEN = Condition("trust", met=False, why="none")
N = 1_000
FIT_DELTA = (1 + math.exp(2.0)) * 1e-6  # of replacing a record, by group privacy


def worst_ratio(first, second):
    """Log of the largest ratio of two discrete distributions."""
    return np.log((first / second).max())


def response(epsilon):
    """Randomized response on a bit: rows are inputs, columns are outputs."""
    keep = 1 / (1 + math.exp(-epsilon))
    return np.array([[keep, 1 - keep], [1 - keep, keep]])


def test_the_sum_is_reached_by_two_randomized_responses():
    """Closed form: the outputs of independent responses on one bit are a product distribution."""
    first, second = (Guarantee("local-dp", e, 0.0, "local", "") for e in (0.7, 1.1))
    joint = [np.outer(response(0.7)[bit], response(1.1)[bit]) for bit in (0, 1)]
    assert basic_composition(first, second).epsilon == pytest.approx(worst_ratio(*joint))


def test_features_and_labels_together_reach_the_sum():
    """Neither epsilon, nor their maximum, covers a record whose feature and label both change."""
    feature, label = (replace(g, epsilon=e) for g, e in ((FEATURES, 0.7), (LABELS, 1.1)))
    total = features_and_labels(feature, label)
    joint = [np.outer(response(0.7)[bit], response(1.1)[bit]) for bit in (0, 1)]
    assert total.epsilon == pytest.approx(worst_ratio(*joint))
    assert total.covers == "records"


def test_no_part_of_a_record_is_uncovered_by_the_sum():
    total = features_and_labels(FEATURES.under(BROKEN), LABELS)
    assert total == Guarantee("local-dp", 4.0, 0.0, "local", "x + y", (BROKEN,), "records")


@pytest.mark.parametrize("guarantee", [LOCAL, FEATURES, LABELS])
def test_a_guarantee_of_records_adds_to_what_covers_a_part(guarantee):
    """A fit covers whole records, so the sum covers what the mechanism covers."""
    for total in (basic_composition(guarantee, FIT), basic_composition(FIT, guarantee)):
        assert total.epsilon == 4.0 + guarantee.epsilon
        assert total.delta == pytest.approx(FIT_DELTA)
        assert (total.kind, total.adjacency) == ("dp", "replace-one")
        assert total.covers == guarantee.covers
        assert total.conditions == guarantee.conditions


def test_add_remove_is_converted_also_where_labels_alone_are_covered():
    labels = replace(FIT, covers="labels")
    assert basic_composition(labels, LOCAL).epsilon == 2 * 2.0 + 16.0


def test_two_of_adding_and_removing_add_up_as_such():
    total = basic_composition(DP, FIT)
    assert (total.epsilon, total.delta) == (DP.epsilon + 2.0, pytest.approx(1.1e-5))
    assert (total.kind, total.adjacency, total.covers) == ("dp", "add-remove", "records")
    assert total.accountant == "prv (Opacus) + rdp (Opacus)"


def test_a_sum_of_profiles_is_the_sum_of_replacing_a_record():
    """Closed form: two Gaussians are one with less noise, whose epsilon the sum must not be below."""
    profiles = [gaussian_profile(sigma=s, delta=1e-6, sensitivity=2.0) for s in (1.0, 2.0)]
    epsilons = [gaussian_epsilon(sigma=s, delta=1e-6, sensitivity=1.0) for s in (1.0, 2.0)]
    first, second = (
        Guarantee("dp", epsilon, 1e-6, "add-remove", "", profile=profile, gaussian=True)
        for epsilon, profile in zip(epsilons, profiles, strict=True)
    )
    total = basic_composition(first, second)
    replaced = first.replace_one()[0] + second.replace_one()[0]
    assert total.profile == ((replaced, 2e-6),)
    assert total.of_replacing() == (replaced, 2e-6)
    both = gaussian_epsilon(sigma=1 / math.sqrt(1 + 1 / 4), delta=2e-6, sensitivity=2.0)
    assert both < replaced
    assert total.gaussian


def test_a_sum_with_what_has_no_profile_has_none():
    direct = replace(FIT, profile=((2.5, 1e-6),), gaussian=True)
    for total in (basic_composition(direct, DP), basic_composition(DP, direct)):
        assert (total.profile, total.gaussian) == ((), False)
    local = basic_composition(direct, LOCAL)
    assert (local.epsilon, local.delta) == (18.5, 1e-6)  # and not twice the epsilon of the fit
    assert (local.adjacency, local.profile, local.gaussian) == ("replace-one", (), False)


def test_the_sum_of_deltas_is_at_most_one():
    large = Guarantee("dp", 1.0, 0.8, "replace-one", "")
    assert basic_composition(large, large).delta == 1.0
    assert basic_composition(large, large).accountant == ""


def test_conditions_of_both_are_kept_once():
    shared = Condition("shared")
    assert basic_composition(DP.under(shared), FIT.under(shared, BROKEN)).conditions == (
        *DP.conditions, shared, BROKEN,
    )  # fmt: skip


@pytest.mark.parametrize("pair", [(METRIC, FIT), (FIT, METRIC)])
def test_metric_privacy_adds_to_nothing(pair):
    assert basic_composition(*pair) is None


def shown(*guarantees):
    """The one that is shown, which is the same in every order."""
    (result,) = {post_processing(order, N) for order in permutations(guarantees)}
    return result


def test_of_none_and_of_one():
    assert post_processing([], N) is None
    assert shown(DP) == DP
    assert shown(METRIC) == METRIC


def test_the_smallest_epsilon_of_replacing_a_record_is_shown():
    """Adding and removing cost twice, so 7.99 of them are more than 15, and less than 16."""
    smaller = replace(LOCAL, epsilon=15.0)
    assert shown(smaller, DP) == smaller
    assert shown(LOCAL, DP) == DP


def test_replacing_costs_what_the_profile_says():
    direct = replace(DP, profile=((13.1, 1e-5),))
    fourteen = replace(LOCAL, epsilon=14.0)
    assert shown(direct, fourteen) == direct
    assert shown(DP, fourteen) == fourteen


def test_then_the_smallest_delta():
    positive = replace(LOCAL, delta=1e-6)
    assert shown(LOCAL, positive) == LOCAL


def test_what_covers_records_comes_before_a_smaller_epsilon_of_a_part():
    assert shown(FEATURES, DP) == DP
    assert shown(LABELS, DP) == DP


def test_features_and_labels_count_as_their_sum():
    assert post_processing([LABELS, FEATURES, DP], N).epsilon == 4.0
    small = replace(DP, epsilon=1.5)  # 3 of replacing a record
    assert shown(LABELS, FEATURES, small) == small
    weaker = replace(FEATURES, epsilon=9.0)
    assert post_processing([LABELS, weaker, FEATURES], N).epsilon == 4.0


def test_a_broken_condition_comes_last():
    broken = replace(LOCAL, epsilon=0.1, conditions=(BROKEN,))
    assert shown(broken, LOCAL) == LOCAL
    assert shown(FEATURES, broken) == FEATURES
    assert shown(broken) == broken
    assert shown(LABELS, replace(broken, covers="features")) == LABELS
    scaled = replace(LOCAL, epsilon=0.1, conditions=(SCALED_APART,))
    assert shown(scaled, LOCAL) == scaled


def test_a_delta_of_one_in_n_comes_after_smaller_ones():
    vacuous = replace(LOCAL, epsilon=0.0, delta=1 / N)
    assert shown(vacuous, LOCAL) == LOCAL
    fine = replace(vacuous, delta=0.5 / N)
    assert shown(fine, LOCAL) == fine
    assert shown(vacuous, FEATURES) == vacuous  # what is covered counts before delta


def test_metric_privacy_beside_others_shows_none():
    assert shown(METRIC, DP) is None
