"""What pipelines claim, and verdicts on attacks whose epsilon is known."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.components import Distribution, Entry
from privbench.config import Defense
from privbench.data import Column, DataSpec
from privbench.mechanisms.base import DataMechanism
from privbench.membership import draw_membership
from privbench.privacy import Guarantee
from privbench.privacy.guarantees import SCALED
from privbench.stages.claims import (
    KEPT,
    audited,
    claim_of_pipeline,
    of_same_label,
    steps_seen,
)

SPEC = DataSpec("binary", (6,), 3)
MLP = {"epochs": 2, "batch_size": 50, "hidden": [4]}
FIT_ONLY = 2.0
RADIUS = {"epsilon": 0.5, "radius": 1.0}  # a local epsilon of 1
NOISE = {"noise": "laplace", "scale": 2.0}  # 6 features: a local epsilon of 3


@pytest.fixture
def claim(host):
    """``claim(mechanisms, generator parameters)`` of 200 records, and why there is none."""
    model = host.registry("model").get("mlp", "test").build(MLP, "test").component

    def bound(kind, name, **params):
        return host.registry(kind).get(name, "test").build(params, "test")

    def claimed(*mechanisms, generator=None, spec=SPEC, **where):
        own = None
        if generator is not None:
            spent = {"fit_epsilon": FIT_ONLY} if generator.get("fitted_on") == "dp-sgd" else {}
            own = bound("generator", "vae", epochs=2, **spent, **generator)
        parts = tuple(bound("mechanism", name, **params) for name, params in mechanisms)
        return claim_of_pipeline(Defense("x", own, parts), spec, 200, model, **where)

    return claimed


DP_FIT = {"fitted_on": "dp-sgd", "conditional": True}
CODES = ("metric-privacy", RADIUS)
LABELS = ("randomized-response", {"epsilon": 0.25})
FEATURES = ("input-noise", NOISE)
DP_SGD = ("dp-sgd", {"epsilon": 1.0})
ANSWERS = ("output-noise", {"noise": "laplace", "scale": 20.0})


def test_a_private_fit_says_nothing_of_the_records_that_it_reconstructs(claim):
    result, reason = claim(generator=DP_FIT)
    assert result is None
    assert "only the fit is private" in reason
    assert claim(LABELS, generator=DP_FIT)[0].covers == "labels"  # and not both of them


def test_samples_of_a_private_fit_are_covered_by_it(claim):
    drawn = DP_FIT | {"release": "sample"}
    result, _ = claim(generator=drawn)
    assert (result.kind, result.adjacency, result.covers) == ("dp", "add-remove", "records")
    assert 0.95 * FIT_ONLY < result.epsilon <= FIT_ONLY
    assert claim(DP_SGD, generator=drawn)[0] == result  # of training on them: post-processing


def test_a_private_fit_adds_to_the_release_of_codes(claim):
    alone, _ = claim(CODES, generator={"fitted_on": "reference"})
    assert (alone.epsilon, alone.covers) == (1.0, "features")
    result, _ = claim(CODES, generator=DP_FIT)
    assert result.epsilon == pytest.approx(1 + 2 * FIT_ONLY, rel=0.05)
    assert (result.adjacency, result.covers) == ("replace-one", "features")
    assert result.delta > 0


def test_a_private_fit_adds_to_dp_sgd_and_meets_its_condition(claim):
    result, _ = claim(DP_SGD, generator=DP_FIT)
    assert result.epsilon == pytest.approx(1 + FIT_ONLY, rel=0.05)
    assert result.adjacency == "add-remove"
    assert result.holds()
    private, _ = claim(DP_SGD, generator={"fitted_on": "private"})
    assert private.epsilon == pytest.approx(1, rel=0.05)
    assert not private.holds()


@pytest.mark.parametrize("claimant", [DP_SGD, ANSWERS])
def test_what_a_model_gives_away_is_not_all_where_records_are_released(claim, claimant):
    assert KEPT not in claim(claimant)[0].conditions
    assert KEPT in claim(LABELS, claimant)[0].conditions
    assert KEPT in claim(claimant, generator={"fitted_on": "reference"})[0].conditions
    assert KEPT not in claim(LABELS, FEATURES)[0].conditions


class Shuffled(DataMechanism):
    """What it makes of a record depends on the others."""

    name = "shuffled"

    def apply(self, data, rng):
        return replace(data, y=rng.permutation(data.y))


def test_what_follows_a_mechanism_that_may_mix_records_says_so(host):
    model = host.registry("model").get("mlp", "test").build(MLP, "test").component

    def bound(kind, name, params):
        return host.registry(kind).get(name, "test").build(params, "test")

    mixing = Entry(Shuffled, Distribution("test")).build({}, "test")
    needed = "shuffled changes each record without regard to the others"
    for follows, expected in ((LABELS, True), (FEATURES, True), (DP_SGD, True), (ANSWERS, False)):
        after = bound("mechanism", *follows)
        claimed, _ = claim_of_pipeline(Defense("x", None, (mixing, after)), SPEC, 200, model)
        assert (needed in claimed.conditions) == expected
        if after.component.acts_on == "data":  # what comes first sees the records themselves
            first, _ = claim_of_pipeline(Defense("x", None, (after, mixing)), SPEC, 200, model)
            assert needed not in first.conditions
    fitted = {**DP_FIT, "release": "sample", "epochs": 2, "fit_epsilon": FIT_ONLY}
    pipeline = Defense("x", bound("generator", "vae", fitted), (mixing,))
    assert needed in claim_of_pipeline(pipeline, SPEC, 200, model)[0].conditions


def test_a_delta_above_one_in_n_is_said(claim):
    for delta, expected in ((1 / 200, True), (1 / 201, False)):
        claimed, _ = claim(("input-noise", {"scale": 2.0, "delta": delta}))
        assert ("a delta of 1/n and above is accepted (n=200)" in claimed.conditions) == expected


def test_dp_sgd_says_nothing_of_the_records_that_a_generator_draws_from(claim):
    drawn = {"fitted_on": "private", "release": "sample"}
    result, reason = claim(DP_SGD, generator=drawn)
    assert result is None
    assert reason.startswith("dp-sgd protects the records that vae draws, and not those")
    assert claim(FEATURES, DP_SGD, generator=drawn) == claim(FEATURES)  # before the fit
    assert claim(DP_SGD, ANSWERS, generator=drawn) == claim(ANSWERS, generator=drawn)
    assert claim(DP_SGD, generator=drawn | {"fitted_on": "reference"})[0] is not None


@pytest.mark.parametrize("named", [True, False])
def test_what_reads_numeric_columns_relies_on_how_they_were_scaled(claim, named):
    columns = tuple(Column(f"x{i}", "numeric", (i, i + 1)) for i in range(6))
    table = replace(SPEC, kind="tabular", columns=columns if named else ())
    drawn = DP_FIT | {"release": "sample"}
    for given, generator in (((DP_SGD,), None), ((), drawn), ((DP_SGD,), drawn)):
        own, bare = (claim(*given, generator=generator, spec=one)[0] for one in (table, SPEC))
        assert own.conditions == (*bare.conditions, SCALED)
    for reads_no_features in (ANSWERS, LABELS):
        assert SCALED not in claim(reads_no_features, spec=table)[0].conditions
    assert claim(LABELS, DP_SGD, spec=table)[0].covers == "records"  # though labels are not scaled


@pytest.mark.parametrize("fitted_on", ["private", "reference", "dp-sgd"])
@pytest.mark.parametrize("mechanism", [FEATURES, LABELS])
def test_what_follows_a_data_mechanism_is_post_processing(claim, mechanism, fitted_on):
    bare, _ = claim(mechanism)
    assert claim(mechanism, generator={"fitted_on": fitted_on}) == (bare, "")


def test_a_mechanism_that_reads_members_ends_what_was_claimed(claim):
    result, reason = claim(DP_SGD, ("memguard", {}))
    assert result is None
    assert "memguard reads the private records again" in reason
    assert "dp-sgd ε=" in reason
    assert claim(("memguard", {})) == (None, "")
    assert claim(("memguard", {}), ANSWERS)[0].epsilon == pytest.approx(0.1)
    assert claim(DP_SGD, ("hamp-output", {}))[0] == claim(DP_SGD)[0]  # asks of random records only


def test_attacks_are_held_against_what_stands_before_them(claim, host):
    def seen(kind_of_attack, *mechanisms, **pipeline):
        attack = host.registry("attack").get(kind_of_attack, "test").build({}, "test").component
        return claim(*mechanisms, **pipeline, steps=steps_seen(attack))[0]

    pipeline = (FEATURES, DP_SGD, ANSWERS)
    assert seen("loss", *pipeline).accountant == claim(ANSWERS)[0].accountant
    assert seen("gradient", *pipeline) == claim(FEATURES, DP_SGD)[0]
    assert seen("label-only", *pipeline) == claim(FEATURES, DP_SGD)[0]
    assert seen("dcr", *pipeline) == claim(FEATURES)[0]
    assert seen("dcr", DP_SGD, generator={"fitted_on": "reference"}) is None


def game(n_models=32, seed=0):
    """Membership (models, 400) and the records' labels, four rare and four frequent ones."""
    labels = np.repeat(np.arange(8), [10] * 4 + [90] * 4)
    member = draw_membership(n_models, np.zeros(400, dtype=bool), ["game", seed])
    return member, labels


def claim_of(covers, epsilon=0.2, kind="local-dp", **changes):
    return Guarantee(kind, epsilon, 0.0, "local", "", (), covers, **changes)


def test_counting_labels_refutes_what_covers_records_and_not_what_covers_features():
    """The attack reads nothing but how many members each label has."""
    member, labels = game()
    one_hot = np.eye(8)[labels]
    scores = (member @ one_hot / one_hot.sum(0)) @ one_hot.T
    rng = np.random.default_rng(0)
    whole = audited(claim_of("records"), scores, scores, member, labels, rng)
    assert whole["verdict"] == "refuted"
    features = audited(claim_of("features"), scores, scores, member, labels, rng)
    assert features == {"audited_epsilon": 0.0, "verdict": "consistent"}


@pytest.mark.parametrize("covers", ["records", "features"])
def test_a_feature_that_leaks_refutes_small_claims_only(covers):
    """Each pair's coin is answered by randomised response with epsilon 2."""
    member, labels = game()
    lies = np.random.default_rng(1).random(member.shape) < 1 / (1 + np.exp(2.0))
    scores = (member ^ lies).astype(float)
    for epsilon, verdict in ((1.0, "refuted"), (2.0, "consistent")):
        claim, rng = claim_of(covers, epsilon), np.random.default_rng(2)
        found = audited(claim, scores, scores, member, labels, rng)
        assert found["verdict"] == verdict
        assert 1.7 < found["audited_epsilon"] < 2.0


@pytest.mark.parametrize(
    "claim",
    [
        None,
        claim_of("labels"),
        claim_of("features", kind="metric-dp"),
        Guarantee("dp", 32.0, 1e-5, "add-remove", ""),  # group privacy makes delta 1
    ],
)
def test_what_says_nothing_of_replacing_a_record_has_no_verdict(claim):
    member, labels = game(8)
    found = audited(claim, member * 1.0, member * 1.0, member, labels, np.random.default_rng(0))
    assert found["verdict"] is None
    assert found["audited_epsilon"] > 4


def test_as_many_pairs_in_as_out_of_each_label_are_drawn():
    member, labels = game()
    counted = of_same_label(member, labels, np.random.default_rng(0))
    for label in range(8):
        inside, chosen = member[:, labels == label], counted[:, labels == label]
        few = np.minimum(inside.sum(1), (~inside).sum(1))
        np.testing.assert_array_equal((chosen & inside).sum(1), few)
        np.testing.assert_array_equal((chosen & ~inside).sum(1), few)
    other = of_same_label(member, labels, np.random.default_rng(1))
    assert (counted != other).any()
