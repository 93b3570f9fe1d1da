"""What pipelines claim."""

import pytest

from privbench.config import Defense
from privbench.data import DataSpec
from privbench.stages.claims import claim_of_pipeline

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

    def claimed(*mechanisms, generator=None):
        own = None
        if generator is not None:
            own = bound("generator", "vae", epochs=2, fit_epsilon=FIT_ONLY, **generator)
        parts = tuple(bound("mechanism", name, **params) for name, params in mechanisms)
        return claim_of_pipeline(Defense("x", own, parts), SPEC, 200, model)

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
    assert result.epsilon == pytest.approx(2 * (1 + FIT_ONLY), rel=0.05)
    assert not any("not so here" in one for one in result.conditions)
    private, _ = claim(DP_SGD, generator={"fitted_on": "private"})
    assert private.epsilon == pytest.approx(1, rel=0.05)
    assert any("not so here" in one for one in private.conditions)


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
