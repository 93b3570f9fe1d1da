"""The rules of composition, on pipelines made of data."""

from dataclasses import replace

import pytest

from privbench.privacy import Condition, Guarantee, compose
from privbench.privacy.composition import GeneratorInPipeline, MechanismInPipeline, Pipeline
from privbench.privacy.conditions import (
    ENCODER_INDEPENDENT,
    GENERATOR_INDEPENDENT,
    MODEL_ONLY,
    SCALED_APART,
    changes_each_record_alone,
    large_delta_accepted,
)

N = 200
DP = Guarantee("dp", 1.0, 1e-5, "add-remove", "dp")
FIT = Guarantee("dp", 2.0, 1e-6, "add-remove", "fit")
LOCAL = Guarantee("local-dp", 16.0, 0.0, "local", "local")
METRIC = Guarantee("metric-dp", 8.0, 0.0, "local", "metric")
OUTPUT = Guarantee("dp", 0.5, 0.0, "replace-one", "output")


def mechanism(acts_on, guarantee, **options):
    return MechanismInPipeline(f"on-{acts_on}", acts_on, guarantee, **options)


def fitted(guarantee=None, fitted_on="private", release="reconstruct"):
    return GeneratorInPipeline("vae", guarantee, fitted_on, release)


def pipeline(*mechanisms, generator=None, scaled_together=False):
    return Pipeline(generator, mechanisms, N, scaled_together)


def test_nothing_stated_gives_no_guarantee_and_no_reason():
    assert compose(pipeline()) == (None, "")
    assert compose(pipeline(mechanism("training", None), generator=fitted())) == (None, "")


def test_one_guarantee_is_that_of_the_pipeline():
    assert compose(pipeline(mechanism("training", DP))) == (DP, "")


def test_only_mechanisms_that_act_there_count():
    both = pipeline(mechanism("training", DP), mechanism("output", OUTPUT))
    assert compose(both).guarantee == OUTPUT
    assert compose(both, ("training",)).guarantee == DP
    assert compose(both, ("data", "latent")) == (None, "")


@pytest.mark.parametrize("acts_on", ["data", "latent", "training", "output"])
@pytest.mark.parametrize("covers", ["records", "features", "labels"])
def test_columns_are_scaled_before_what_reads_features(acts_on, covers):
    stated = replace(LOCAL, covers=covers)
    conditions = compose(pipeline(mechanism(acts_on, stated), scaled_together=True))[0].conditions
    assert (SCALED_APART in conditions) == (acts_on != "output" and covers != "labels")
    assert SCALED_APART not in compose(pipeline(mechanism(acts_on, stated)))[0].conditions


@pytest.mark.parametrize("after", ["data", "latent", "training", "output"])
@pytest.mark.parametrize("before", ["data", "latent"])
@pytest.mark.parametrize("record_wise", [True, False])
def test_what_follows_a_mechanism_that_may_mix_records_names_it(before, after, record_wise):
    """Counterexample without: sorting a column lets one record move all others."""
    mixing = mechanism(before, None, record_wise=record_wise)
    conditions = compose(pipeline(mixing, mechanism(after, DP)))[0].conditions
    needed = changes_each_record_alone(mixing.name)
    assert (needed in conditions) == (after != "output" and not record_wise)
    first = compose(pipeline(mechanism(after, DP), mixing))[0]
    assert needed not in first.conditions


def test_a_fit_follows_data_mechanisms_and_no_others():
    drawn = fitted(FIT, "dp-sgd", "sample")
    for acts_on, expected in (("data", True), ("latent", False)):
        given = pipeline(mechanism(acts_on, None), generator=drawn)
        named = changes_each_record_alone(f"on-{acts_on}")
        assert (named in compose(given)[0].conditions) == expected
    assert SCALED_APART in compose(pipeline(generator=drawn, scaled_together=True))[0].conditions


NOTHING_READ = Guarantee("dp", 0.0, 0.0, "add-remove", "reads no private record")


@pytest.mark.parametrize("scaled_together", [False, True])
@pytest.mark.parametrize(
    "fit", [None, fitted(), fitted(FIT, "dp-sgd"), fitted(FIT, "dp-sgd", "sample")]
)
@pytest.mark.parametrize(
    "behind",
    [(), (mechanism("data", LOCAL),), (mechanism("latent", METRIC),), (mechanism("training", DP),),
     (mechanism("latent", METRIC), mechanism("training", DP), mechanism("output", OUTPUT))],
)  # fmt: skip
def test_what_follows_public_records_is_post_processing(behind, fit, scaled_together):
    """Even metric privacy, which does not compose, and mechanisms without a guarantee."""
    public = mechanism("data", NOTHING_READ, reads_private=False)
    given = pipeline(public, *behind, generator=fit, scaled_together=scaled_together)
    for acts_on in (("data", "latent"), ("data", "latent", "training", "output")):
        shown = compose(given, acts_on).guarantee
        assert shown == (NOTHING_READ.under(SCALED_APART) if scaled_together else NOTHING_READ)


def test_private_records_that_are_read_again_behind_public_ones_have_no_guarantee():
    public = mechanism("data", NOTHING_READ, reads_private=False)
    again = mechanism("output", None, reads_members=True)
    composed, reason = compose(pipeline(public, mechanism("training", DP), again))
    assert composed is None
    assert reason.startswith("on-output reads the private records again")


def test_who_reads_no_private_record_and_states_nothing_hides_nothing():
    silent = mechanism("data", None, reads_private=False, record_wise=True)
    assert compose(pipeline(silent, mechanism("latent", LOCAL))).guarantee == LOCAL


@pytest.mark.parametrize("acts_on", ["data", "latent", "training", "output"])
def test_guarantees_of_models_do_not_cover_the_release(acts_on):
    stating = mechanism(acts_on, OUTPUT)
    about_models = acts_on in ("training", "output")
    for released in (
        pipeline(stating, generator=fitted(fitted_on="reference")),
        pipeline(mechanism("data", None, record_wise=True), stating),
    ):
        assert (MODEL_ONLY in compose(released)[0].conditions) == about_models
    alone = compose(pipeline(mechanism("latent", None, record_wise=True), stating))[0]
    assert MODEL_ONLY not in alone.conditions


def test_samples_of_a_private_fit_are_post_processing_of_it():
    drawn = fitted(FIT, "dp-sgd", "sample")
    assert compose(pipeline(generator=drawn)) == (FIT, "")
    assert compose(pipeline(mechanism("training", DP), generator=drawn)) == (FIT, "")


def test_a_reconstruction_is_no_post_processing_of_the_fit():
    """Counterexample: decode(encode(x)) = x for a fit that ignores the records."""
    guarantee, reason = compose(pipeline(generator=fitted(FIT, "dp-sgd")))
    assert guarantee is None
    assert reason.startswith("only the fit is private (vae ε=2 δ=1e-06 (add-remove))")


@pytest.mark.parametrize("acts_on", ["data", "latent", "training", "output"])
@pytest.mark.parametrize("release", ["reconstruct", "sample"])
def test_a_fit_adds_to_what_reads_the_records_that_the_generator_makes(acts_on, release):
    stated = Guarantee("dp", 1.0, 0.0, "replace-one", "stated")
    given = pipeline(mechanism(acts_on, stated), generator=fitted(FIT, "dp-sgd", release))
    composed = compose(given)[0]
    added = acts_on in ("latent", "training")
    if added and release == "reconstruct":
        assert composed.epsilon == 1.0 + 2 * 2.0
        assert composed.accountant == "stated + fit"
    elif added:  # the fit alone is smaller than the sum
        assert composed.epsilon == 2.0
    else:
        assert composed.epsilon == 1.0


@pytest.mark.parametrize("acts_on", ["latent", "training"])
@pytest.mark.parametrize("fitted_on", ["private", "reference"])
@pytest.mark.parametrize("release", ["reconstruct", "sample"])
def test_a_guarantee_of_drawn_records_is_none_for_those_of_the_fit(acts_on, fitted_on, release):
    """Counterexample: a generator that draws copies of one record reveals it in every drawn record."""
    given = pipeline(mechanism(acts_on, DP), generator=fitted(None, fitted_on, release))
    guarantee, reason = compose(given)
    if fitted_on == "private" and release == "sample":
        assert guarantee is None
        assert reason == (
            f"on-{acts_on} protects the records that vae draws, and not those that it is fitted on"
        )
    else:
        assert guarantee.epsilon == DP.epsilon


def test_a_guarantee_of_outputs_holds_for_models_of_drawn_records():
    drawn = fitted(None, "private", "sample")
    given = pipeline(mechanism("training", DP), mechanism("output", OUTPUT), generator=drawn)
    assert compose(given) == (OUTPUT.under(MODEL_ONLY), "")


def test_a_mechanism_that_reads_members_ends_earlier_guarantees():
    """Counterexample: it may output one for members, whatever the model has learned of them."""
    reader = MechanismInPipeline("reader", "output", None, reads_members=True)
    guarantee, reason = compose(pipeline(mechanism("training", DP), reader))
    assert guarantee is None
    assert reason == (
        "reader reads the private records again: what is before it"
        " (on-training ε=1 δ=1e-05 (add-remove))"
    )
    assert compose(pipeline(reader)) == (None, "")
    assert compose(pipeline(reader, mechanism("output", OUTPUT))) == (OUTPUT, "")
    blind = replace(reader, reads_members=False)
    assert compose(pipeline(mechanism("training", DP), blind)) == (DP, "")
    drawn = fitted(FIT, "dp-sgd", "sample")
    assert compose(pipeline(reader, generator=drawn)).guarantee is None


@pytest.mark.parametrize("delta", [1 / N, 0.5 / N])
def test_a_delta_of_one_in_n_is_a_condition(delta):
    """Publishing one random record of n is (0, 1/n)-DP: a record is hidden but for its turn."""
    stated = replace(OUTPUT, delta=delta)
    composed = compose(pipeline(mechanism("output", stated)))[0]
    assert (large_delta_accepted(N) in composed.conditions) == (delta >= 1 / N)


def test_metric_privacy_has_no_delta_to_accept():
    stated = replace(METRIC, delta=0.5)
    assert compose(pipeline(mechanism("latent", stated))) == (stated, "")


def test_metric_privacy_does_not_compose_with_others():
    guarantee, reason = compose(pipeline(mechanism("latent", METRIC), mechanism("training", DP)))
    assert guarantee is None
    assert reason == (
        "metric privacy does not compose with other guarantees: on-latent ε=8 per unit distance,"
        " on-training ε=1 δ=1e-05 (add-remove)"
    )


def test_metric_privacy_has_nothing_to_add_to_a_fit():
    given = pipeline(mechanism("latent", METRIC), generator=fitted(FIT, "dp-sgd"))
    guarantee, reason = compose(given)
    assert guarantee is None
    assert reason.startswith("on-latent ε=8 per unit distance has no finite epsilon")
    assert FIT.short() in reason


def test_stated_conditions_stay_and_come_first():
    stated = DP.under(Condition("stated"))
    mixing = mechanism("data", None)
    given = pipeline(mixing, mechanism("training", stated), scaled_together=True)
    assert compose(given)[0].conditions == (
        Condition("stated"),
        SCALED_APART,
        changes_each_record_alone("on-data"),
        MODEL_ONLY,
    )


@pytest.mark.parametrize(
    ("acts_on", "condition"),
    [
        ("latent", ENCODER_INDEPENDENT),
        ("training", GENERATOR_INDEPENDENT),
        ("data", None),
        ("output", None),
    ],
)
@pytest.mark.parametrize("fitted_on", ["private", "reference", "dp-sgd"])
def test_what_a_private_fit_makes_of_a_record_depends_on_the_others(acts_on, condition, fitted_on):
    """Whichever mechanism it is, and whatever it says of itself."""
    mechanism = MechanismInPipeline("m", acts_on, LOCAL.under("own"), record_wise=True)
    result = compose(pipeline(mechanism, generator=fitted(None, fitted_on))).guarantee
    expected = fitted_on == "private" and condition is not None
    assert (condition in result.conditions) == expected
    assert result.is_broken() == expected
