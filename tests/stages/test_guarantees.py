"""The guarantees of defenses built from the components that ship."""

from dataclasses import replace

import pytest

from privbench.attacks.dcr import Dcr
from privbench.components import Distribution, Entry
from privbench.config import Defense
from privbench.data import Column, DataSpec
from privbench.mechanisms.base import DataMechanism
from privbench.privacy.conditions import (
    MODEL_ONLY,
    SCALED_APART,
    changes_each_record_alone,
    large_delta_accepted,
)
from privbench.stages.guarantees import acts_on_before, guarantee_of

SPEC = DataSpec("binary", (6,), 3)
MLP = {"epochs": 2, "batch_size": 50, "hidden": [4]}
FIT_ONLY = 2.0
RADIUS = {"epsilon": 0.5, "radius": 1.0}  # a local epsilon of 1
NOISE = {"noise": "laplace", "scale": 2.0}  # 6 features: a local epsilon of 3


@pytest.fixture
def guarantee(host):
    """Compose mechanisms, and a generator with given parameters, on 200 records."""
    model = host.registry("model").get("mlp", "test").build(MLP, "test").component

    def bound(kind, name, **params):
        return host.registry(kind).get(name, "test").build(params, "test")

    def build(*mechanisms, generator=None, spec=SPEC, **where):
        fitted = None
        if generator is not None:
            epsilon = {"fit_epsilon": FIT_ONLY} if generator.get("fitted_on") == "dp-sgd" else {}
            fitted = bound("generator", "vae", epochs=2, **epsilon, **generator)
        parts = tuple(bound("mechanism", name, **params) for name, params in mechanisms)
        return guarantee_of(Defense("x", fitted, parts), spec, 200, model, **where)

    return build


DP_FIT = {"fitted_on": "dp-sgd", "conditional": True}
CODES = ("metric-privacy", RADIUS)
LABELS = ("randomized-response", {"epsilon": 0.25})
FEATURES = ("input-noise", NOISE)
DP_SGD = ("dp-sgd", {"epsilon": 1.0})
OUTPUTS = ("output-noise", {"noise": "laplace", "scale": 20.0})


def test_a_private_fit_says_nothing_of_the_records_that_it_reconstructs(guarantee):
    result, reason = guarantee(generator=DP_FIT)
    assert result is None
    assert "only the fit is private" in reason
    assert guarantee(LABELS, generator=DP_FIT)[0].covers == "labels"  # and not both of them


def test_samples_of_a_private_fit_are_covered_by_it(guarantee):
    drawn = DP_FIT | {"release": "sample"}
    result, _ = guarantee(generator=drawn)
    assert (result.kind, result.adjacency, result.covers) == ("dp", "add-remove", "records")
    assert 0.95 * FIT_ONLY < result.epsilon <= FIT_ONLY
    assert guarantee(DP_SGD, generator=drawn)[0] == result  # of training on them: post-processing


def test_a_private_fit_adds_to_the_release_of_codes(guarantee):
    alone, _ = guarantee(CODES, generator={"fitted_on": "reference"})
    assert (alone.epsilon, alone.covers) == (1.0, "features")
    fit, _ = guarantee(generator=DP_FIT | {"release": "sample"})
    result, _ = guarantee(CODES, generator=DP_FIT)
    assert result.epsilon == 1 + fit.replace_one()[0] < 1 + 2 * FIT_ONLY
    assert (result.adjacency, result.covers) == ("replace-one", "features")
    assert result.delta > 0


def test_a_private_fit_adds_to_dp_sgd_and_meets_its_condition(guarantee):
    result, _ = guarantee(DP_SGD, generator=DP_FIT)
    assert result.epsilon == pytest.approx(1 + FIT_ONLY, rel=0.05)
    assert result.adjacency == "add-remove"
    assert not result.is_broken()
    private, _ = guarantee(DP_SGD, generator={"fitted_on": "private"})
    assert private.epsilon == pytest.approx(1, rel=0.05)
    assert private.is_broken()


@pytest.mark.parametrize("stating", [DP_SGD, OUTPUTS])
def test_what_a_model_gives_away_is_not_all_where_records_are_released(guarantee, stating):
    assert MODEL_ONLY not in guarantee(stating)[0].conditions
    assert MODEL_ONLY in guarantee(LABELS, stating)[0].conditions
    assert MODEL_ONLY in guarantee(stating, generator={"fitted_on": "reference"})[0].conditions
    assert MODEL_ONLY not in guarantee(LABELS, FEATURES)[0].conditions


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
    needed = changes_each_record_alone("shuffled")
    for follows, expected in ((LABELS, True), (FEATURES, True), (DP_SGD, True), (OUTPUTS, False)):
        after = bound("mechanism", *follows)
        composed, _ = guarantee_of(Defense("x", None, (mixing, after)), SPEC, 200, model)
        assert (needed in composed.conditions) == expected
        if after.component.acts_on == "data":  # what comes first sees the records themselves
            first, _ = guarantee_of(Defense("x", None, (after, mixing)), SPEC, 200, model)
            assert needed not in first.conditions
    fitted = {**DP_FIT, "release": "sample", "epochs": 2, "fit_epsilon": FIT_ONLY}
    pipeline = Defense("x", bound("generator", "vae", fitted), (mixing,))
    assert needed in guarantee_of(pipeline, SPEC, 200, model)[0].conditions


def test_a_delta_above_one_in_n_is_said(guarantee):
    for delta, expected in ((1 / 200, True), (1 / 201, False)):
        composed, _ = guarantee(("input-noise", {"scale": 2.0, "delta": delta}))
        assert (large_delta_accepted(200) in composed.conditions) == expected


def test_dp_sgd_says_nothing_of_the_records_that_a_generator_draws_from(guarantee):
    drawn = {"fitted_on": "private", "release": "sample"}
    result, reason = guarantee(DP_SGD, generator=drawn)
    assert result is None
    assert reason.startswith("dp-sgd protects the records that vae draws, and not those")
    assert guarantee(FEATURES, DP_SGD, generator=drawn) == guarantee(FEATURES)  # before the fit
    assert guarantee(DP_SGD, OUTPUTS, generator=drawn) == guarantee(OUTPUTS, generator=drawn)
    assert guarantee(DP_SGD, generator=drawn | {"fitted_on": "reference"})[0] is not None


@pytest.mark.parametrize("named", [True, False])
def test_what_reads_columns_relies_on_how_they_were_scaled(guarantee, named):
    columns = tuple(Column(f"x{i}", "numeric", (i, i + 1)) for i in range(6))
    table = replace(SPEC, kind="tabular", columns=columns if named else ())
    by_reference, table = table, replace(table, scaled_by="all")
    drawn = DP_FIT | {"release": "sample"}
    for given, generator in (((DP_SGD,), None), ((), drawn), ((DP_SGD,), drawn)):
        scaled, bare = (
            guarantee(*given, generator=generator, spec=one)[0] for one in (table, SPEC)
        )
        assert scaled.conditions == (*bare.conditions, SCALED_APART)
        assert guarantee(*given, generator=generator, spec=by_reference)[0] == bare
    for reads_no_features in (OUTPUTS, LABELS):
        assert SCALED_APART not in guarantee(reads_no_features, spec=table)[0].conditions
    assert (
        guarantee(LABELS, DP_SGD, spec=table)[0].covers == "records"
    )  # though labels are not scaled


@pytest.mark.parametrize("fitted_on", ["private", "reference", "dp-sgd"])
@pytest.mark.parametrize("mechanism", [FEATURES, LABELS])
def test_what_follows_a_data_mechanism_is_post_processing(guarantee, mechanism, fitted_on):
    bare, _ = guarantee(mechanism)
    assert guarantee(mechanism, generator={"fitted_on": fitted_on}) == (bare, "")


def test_a_mechanism_that_reads_members_ends_earlier_guarantees(guarantee):
    result, reason = guarantee(DP_SGD, ("memguard", {}))
    assert result is None
    assert "memguard reads the private records again" in reason
    assert "dp-sgd ε=" in reason
    assert guarantee(("memguard", {})) == (None, "")
    assert guarantee(("memguard", {}), OUTPUTS)[0].epsilon == pytest.approx(0.1)
    assert (
        guarantee(DP_SGD, ("hamp-output", {}))[0] == guarantee(DP_SGD)[0]
    )  # asks of random records only


def test_attacks_are_held_against_what_stands_before_them(guarantee, host):
    def seen(kind_of_attack, *mechanisms, **pipeline):
        attack = host.registry("attack").get(kind_of_attack, "test").build({}, "test").component
        parts = [host.registry("mechanism").get(n, "test").build(p, "test") for n, p in mechanisms]
        acts_on = acts_on_before(attack, Defense("x", None, tuple(parts)))
        return guarantee(*mechanisms, **pipeline, acts_on=acts_on)[0]

    pipeline = (FEATURES, DP_SGD, OUTPUTS)
    assert seen("loss", *pipeline).accountant == guarantee(OUTPUTS)[0].accountant
    assert seen("gradient", *pipeline) == guarantee(FEATURES, DP_SGD)[0]
    assert seen("label-only", *pipeline) == guarantee(FEATURES, DP_SGD)[0]
    assert seen("dcr", *pipeline) == guarantee(FEATURES)[0]
    assert seen("dcr", DP_SGD, generator={"fitted_on": "reference"}) is None


def test_mechanisms_on_codes_do_not_protect_a_published_generator():
    class WhiteBox(Dcr):
        name = "white-box"
        observes = "generator"

    assert acts_on_before(WhiteBox(), Defense("x", None, ())) == ("data",)
    assert acts_on_before(Dcr(), Defense("x", None, ())) == ("data", "latent")


@pytest.mark.parametrize(
    ("name", "params", "queries", "covered"),
    [
        ("loss", {}, 1, True),
        ("lira", {}, 1, True),
        ("lira", {"queries_per_record": 4}, 4, True),
        ("lira", {"queries_per_record": 5}, 4, False),
        ("lira", {"queries_per_record": 2}, 1, False),
        ("label-only", {"copies": 9}, 10, True),
        ("label-only", {"copies": 10}, 10, False),
        ("gradient", {}, 99, False),  # sees parameters
        ("rmia", {}, 1, False),  # sees the outputs for reference records, too
        ("auto", {}, 99, False),  # combines rmia and others
    ],
)
def test_a_guarantee_for_some_queries_is_held_against_as_many(host, name, params, queries, covered):
    attack = host.registry("attack").get(name, "test").build(params, "test").component
    noise = (
        host.registry("mechanism").get("output-noise", "test").build({"queries": queries}, "test")
    )
    acts_on = acts_on_before(attack, Defense("x", None, (noise,)))
    assert ("output" in acts_on) == covered


@pytest.mark.parametrize(("queries", "covered"), [(3, False), (4, True)])
def test_a_guess_that_compares_two_records_needs_the_outputs_for_both(host, queries, covered):
    registry = host.registry("mechanism")
    noise = registry.get("output-noise", "test").build({"queries": queries}, "test")
    lira = host.registry("attack").get("lira", "test").build({"queries_per_record": 2}, "test")
    acts_on = acts_on_before(lira.component, Defense("x", None, (noise,)), records_per_guess=2)
    assert ("output" in acts_on) == covered


def test_of_several_output_mechanisms_the_one_that_covers_least_counts(host):
    registry = host.registry("mechanism")
    parts = [registry.get(name, "test").build({}, "test") for name in ("rounding", "output-noise")]
    many = registry.get("output-noise", "test").build({"queries": 8}, "test")
    lira = host.registry("attack").get("lira", "test").build({"queries_per_record": 2}, "test")
    for mechanisms, covered in (((many,), True), ((many, parts[0]), False), ((parts[1],), False)):
        acts_on = acts_on_before(lira.component, Defense("x", None, mechanisms))
        assert ("output" in acts_on) == covered
