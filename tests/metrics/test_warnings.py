"""Warnings: what raises each, and what does not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kurtosis as scipy_kurtosis

from privbench.metrics import auc, warnings
from privbench.metrics.clustered import Estimate
from privbench.metrics.influence import auc_influence
from privbench.metrics.warnings import KINDS, OutputTraits, kurtosis, tied_share

from .populations import leave_one_out_ratios


def names(found):
    assert all(w["text"].startswith(KINDS[w["name"]].note) for w in found)
    return [w["name"] for w in found]


def population(rng, n_models=16, n=2000):
    """Return phi that is normal within each record, in and out, and the membership."""
    member = rng.random((n_models, n)) < 0.5
    mean, spread = rng.normal(size=n), rng.exponential(size=n)
    return mean + member + spread * rng.normal(size=member.shape), member


def of_outputs(traits, queries=1, sees_probabilities=True, fits_normals=True):
    return names(
        warnings.of_outputs(
            traits,
            queries=queries,
            sees_probabilities=sees_probabilities,
            fits_normals=fits_normals,
        )
    )


def test_normal_and_distinct_outputs_raise_nothing(rng):
    traits = OutputTraits.of(*population(rng))
    assert of_outputs(traits) == []
    for side in ("IN", "OUT"):
        assert abs(traits.kurtosis[side].ratio - 1) < 4 * traits.kurtosis[side].error < 0.06


def test_the_kurtosis_is_that_of_scipy_within_each_record(rng):
    phi, member = population(rng, n=40)
    ratios = []
    for values, used in zip(phi.T, member.T, strict=True):
        n = used.sum()
        if n >= 4:
            plain = scipy_kurtosis(values[used], fisher=False, bias=True)
            ratios.append(plain / (3 * (n - 1) / (n + 1)))
    found = kurtosis(phi, member)
    assert found.ratio == pytest.approx(np.mean(ratios))
    assert found.error == pytest.approx(np.std(ratios, ddof=1) / np.sqrt(len(ratios)))


@pytest.mark.parametrize("shift_and_scale", [(0.0, 1.0), (5.0, 1e-3), (-3.0, 40.0)])
def test_the_kurtosis_does_not_depend_on_place_and_spread(rng, shift_and_scale):
    phi, member = population(rng, n=50)
    shift, scale = shift_and_scale
    moved = kurtosis(shift + scale * phi, member)
    assert moved.ratio == pytest.approx(kurtosis(phi, member).ratio)


def test_clusters_and_tails_are_not_normal(rng):
    phi, member = population(rng)
    clusters = np.sign(phi) + 0.01 * phi
    tails = np.where(rng.random(phi.shape) < 0.05, -30.0, phi)
    for values in (clusters, tails):
        traits = OutputTraits.of(values, member)
        assert of_outputs(traits) == ["not-normal"]
        assert of_outputs(traits, fits_normals=False) == []
    (warning,) = warnings.not_normal(OutputTraits.of(np.where(member, phi, clusters), member))
    assert "OUT" in warning["text"]
    assert "IN" not in warning["text"].split("kurtosis is")[1]


def test_what_may_be_noise_is_no_deviation_from_normal(rng):
    """Few records: a ratio that is off by more than the limit, and by less than its error allows."""
    found = 0
    for _ in range(300):
        phi, member = population(rng, n=25)
        found += bool(warnings.not_normal(OutputTraits.of(phi, member)))
    assert found <= 6


def test_a_side_without_enough_shadows_has_no_kurtosis(rng):
    phi, member = population(rng, n_models=3)
    assert OutputTraits.of(phi, member).kurtosis == {}
    assert kurtosis(np.zeros((16, 100)), np.ones((16, 100), dtype=bool)) is None


def test_ties_count_within_a_model(rng):
    assert tied_share(np.array([[1.0, 2.0], [1.0, 2.0]])) == 0
    assert tied_share(np.array([[1.0, 1.0, 1.0, 2.0], [4.0, 3.0, 3.0, 2.0]])) == 5 / 8
    phi, member = population(rng)
    coarse = OutputTraits.of(np.round(phi, 2), member)
    assert of_outputs(coarse) == ["tied-outputs"]
    assert of_outputs(coarse, sees_probabilities=False) == []
    twice = OutputTraits.of(
        np.concatenate([phi, phi[:, :40]], axis=1), member.repeat(2, 1)[:, :2040]
    )
    assert of_outputs(twice, fits_normals=False) == []  # some records are in the data twice


def test_random_outputs_are_those_that_an_attack_sees_once(rng):
    traits = replace(OutputTraits.of(*population(rng)), random=0.9)
    assert of_outputs(traits) == ["random-outputs"]
    assert of_outputs(traits, sees_probabilities=False) == ["random-outputs"]
    assert of_outputs(traits, queries=16) == of_outputs(traits, queries=None) == []


def test_traits_survive_json(rng):
    traits = replace(OutputTraits.of(*population(rng)), random=0.5)
    assert OutputTraits.from_json(traits.to_json()) == traits


@pytest.mark.parametrize(("n_models", "expected"), [(4, True), (8, True), (16, False), (64, False)])
def test_few_shadows(rng, n_models, expected):
    member = rng.random((n_models, 3000)) < 0.5
    assert bool(warnings.few_shadows(member, leave_one_out=True)) == expected


def test_shadows_are_counted_without_the_target():
    member = np.array([[True], [True], [False], [False], [True]])  # IN for target 0: one shadow
    assert names(warnings.few_shadows(member, leave_one_out=True)) == ["few-shadows"]
    assert warnings.few_shadows(member, leave_one_out=False) == []
    assert names(warnings.few_shadows(member[:4], leave_one_out=True)) == ["few-shadows"]


def below_chance(scores, member, over):
    psi = auc_influence(scores, member)
    return names(warnings.below_chance(Estimate.of(auc(scores, member), psi, over)))


def naive_is_stronger(adaptive, naive, member):
    psi = auc_influence(naive, member) - auc_influence(adaptive, member)
    gain = Estimate.of(auc(naive, member) - auc(adaptive, member), psi, "models and records")
    return names(warnings.naive_is_stronger(gain))


@pytest.mark.parametrize("over", ["models and records", "models"])
def test_an_inverted_score_is_below_chance(rng, over):
    phi, member = population(rng)
    assert below_chance(phi, member, over) == []
    assert below_chance(-phi, member, over) == ["below-chance"]


@pytest.mark.parametrize("over", ["models and records", "models"])
def test_scores_without_signal_are_not_below_chance(rng, over):
    found = 0
    for _ in range(400):
        scores, member = rng.normal(size=(16, 50)), rng.random((16, 50)) < 0.5
        found += bool(below_chance(scores, member, over))
    assert found <= 2


def test_attacks_with_shadows_are_below_chance_no_more_often(rng):
    """In leave-one-out the AUC spreads further than if models were independent."""
    found = np.zeros(2)
    for _ in range(400):
        scores, member = leave_one_out_ratios(16, 100, 0.0, rng)
        for i, over in enumerate(("models and records", "models")):
            found[i] += bool(below_chance(scores, member, over))
    assert found[0] <= 2
    assert found[1] > 2


def test_a_naive_attack_that_is_better_by_more_than_noise(rng):
    phi, member = population(rng)
    worse = phi + rng.normal(size=phi.shape)
    assert naive_is_stronger(worse, phi, member) == ["naive-is-stronger"]
    assert naive_is_stronger(phi, worse, member) == []
    assert naive_is_stronger(phi, phi, member) == []
    hardly = phi + 0.05 * rng.normal(size=phi.shape)  # surely better, by less than .005
    assert auc(phi, member) > auc(hardly, member)
    assert naive_is_stronger(hardly, phi, member) == []


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_attacks_that_differ_in_noise_only_are_equally_strong(rng, shift):
    """Few records: each of the two is the better one by chance, often by more than .005."""
    found = gained = 0
    for _ in range(400):
        one, member = leave_one_out_ratios(16, 40, shift, rng)
        another = one + one.std() * rng.normal(size=one.shape)
        one = one + one.std() * rng.normal(size=one.shape)
        found += bool(naive_is_stronger(one, another, member))
        gained += auc(another, member) > auc(one, member) + 0.005
    assert found <= 2
    assert gained > 100


@pytest.mark.parametrize(("bound", "expected"), [(None, 0), (0.9, 0), (0.99, 1), (1.0, 1)])
def test_a_guarantee_that_allows_all(bound, expected):
    assert len(warnings.guarantee_allows_all(bound)) == expected


@pytest.mark.parametrize(("pool", "test", "expected"), [(0, 0, 0), (2, 2, 0), (3, 0, 1), (0, 3, 1)])
def test_records_that_stand_there_more_than_once(pool, test, expected):
    found = warnings.repeated_records({"pool": pool, "reference": 0, "test": test}, 200)
    assert len(found) == expected
    for warning in found:
        facts = (
            f"{pool} in the pool records, 0 in the reference records, {test} in the test records"
        )
        assert warning["text"].endswith(f"(of 200 pool records have a copy: {facts})")


def test_marks_are_distinct_letters():
    marks = [kind.mark for kind in KINDS.values()]
    assert len(set(marks)) == len(marks)
    assert all(len(mark) == 1 and mark.isupper() for mark in marks)


@pytest.mark.parametrize(
    ("share", "bound", "expected"),
    [(None, 1.0, 0), (0.98, None, 0), (0.98, 0.5, 0), (0.2, 1.0, 0), (0.98, 1.0, 1)],
)
def test_clipping_binds_where_there_is_hardly_any_noise(share, bound, expected):
    found = warnings.clipping_binds(share, 1.0, bound)
    assert len(found) == expected
    for warning in found:
        assert "max_grad_norm = 1 clips 98% of the gradients" in warning["text"]
