import math

import pytest

from privbench.errors import BadInput
from privbench.privacy import gaussian_epsilon
from privbench.privacy.sampled_gaussian import (
    CONDITIONS,
    SampledGaussianSteps,
    epsilon_of,
    guarantee_of,
    noise_multiplier_for,
)

STEPS = SampledGaussianSteps(sample_rate=64 / 1500, steps=460, delta=1e-5)


@pytest.mark.parametrize("accountant", ["prv", "rdp"])
def test_epsilon_is_the_accountants(accountant):
    from opacus.accountants import create_accountant

    account = create_accountant(mechanism=accountant)
    for _ in range(STEPS.steps):
        account.step(noise_multiplier=1.5, sample_rate=STEPS.sample_rate)
    result = epsilon_of(1.5, STEPS, accountant)
    assert result.epsilon == account.get_epsilon(delta=1e-5)
    assert result.accountant == accountant


def test_golden_noise_multipliers():
    """Opacus 1.6, get_noise_multiplier with these arguments: 0.91797 (rdp), 3.59375 (prv)."""
    assert noise_multiplier_for(8.0, STEPS, "rdp") == pytest.approx(0.91797, rel=0.01)
    assert noise_multiplier_for(1.0, STEPS, "prv") == pytest.approx(3.59375, rel=0.01)


def test_prv_is_tighter():
    assert epsilon_of(1.5, STEPS, "prv").epsilon < epsilon_of(1.5, STEPS, "rdp").epsilon


@pytest.mark.parametrize("accountant", ["prv", "rdp"])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 1000.0])
def test_a_target_is_met_and_nearly_epsilon_of(epsilon, accountant):
    achieved = epsilon_of(
        noise_multiplier_for(epsilon, STEPS, accountant), STEPS, accountant
    ).epsilon
    assert 0.985 * epsilon <= achieved <= epsilon


def test_large_epsilons_are_from_rdp_and_say_so():
    assert epsilon_of(0.2, STEPS, "prv") == epsilon_of(0.2, STEPS, "rdp")
    assert epsilon_of(0.2, STEPS, "prv").accountant == "rdp"


def test_full_batches_are_one_gaussian():
    sampled = SampledGaussianSteps(sample_rate=1.0, steps=20, delta=1e-5)
    exact = gaussian_epsilon(sigma=5 / math.sqrt(20), delta=1e-5, sensitivity=1.0)
    assert epsilon_of(5.0, sampled, "prv").epsilon == exact
    nearly = SampledGaussianSteps(sample_rate=1 - 1e-9, steps=20, delta=1e-5)
    assert epsilon_of(5.0, nearly, "prv").epsilon == pytest.approx(exact, rel=0.01)


def test_delta_rate_and_steps_matter():
    base = epsilon_of(1.5, STEPS, "rdp").epsilon
    assert epsilon_of(1.5, SampledGaussianSteps(64 / 1500, 460, 1e-7), "rdp").epsilon > base
    assert epsilon_of(1.5, SampledGaussianSteps(64 / 1500, 920, 1e-5), "rdp").epsilon > base
    assert epsilon_of(1.5, SampledGaussianSteps(32 / 1500, 460, 1e-5), "rdp").epsilon < base


def test_an_epsilon_below_what_rdp_can_certify_is_bad_input():
    with pytest.raises(BadInput, match=r"epsilon: 0\.05 .*rdp"):
        noise_multiplier_for(0.05, STEPS, "rdp")


def test_the_guarantee_names_the_accountant_that_computed_its_epsilon():
    for noise, accountant, name in ((1.5, "prv", "prv (Opacus)"), (0.2, "prv", "rdp (Opacus)")):
        stated = guarantee_of(noise, STEPS, accountant)
        assert (stated.kind, stated.adjacency, stated.delta) == ("dp", "add-remove", 1e-5)
        assert stated.epsilon == epsilon_of(noise, STEPS, accountant).epsilon
        assert stated.accountant == name
        assert stated.conditions == CONDITIONS
    full = SampledGaussianSteps(sample_rate=1.0, steps=20, delta=1e-5)
    assert guarantee_of(5.0, full, "prv").accountant == "analytic Gaussian"
