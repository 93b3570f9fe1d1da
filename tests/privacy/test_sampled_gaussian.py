import math

import pytest

from privbench.errors import BadInput
from privbench.privacy import gaussian_epsilon
from privbench.privacy.sampled_gaussian import Schedule, noise_for, spent

SCHEDULE = Schedule(sample_rate=64 / 1500, steps=460, delta=1e-5)


@pytest.mark.parametrize("accountant", ["prv", "rdp"])
def test_epsilon_is_the_accountants(accountant):
    from opacus.accountants import create_accountant

    account = create_accountant(mechanism=accountant)
    for _ in range(SCHEDULE.steps):
        account.step(noise_multiplier=1.5, sample_rate=SCHEDULE.sample_rate)
    result = spent(1.5, SCHEDULE, accountant)
    assert result.epsilon == account.get_epsilon(delta=1e-5)
    assert result.accountant == accountant


def test_golden_noise_multipliers():
    """Opacus 1.6, get_noise_multiplier with these arguments: 0.91797 (rdp), 3.59375 (prv)."""
    assert noise_for(8.0, SCHEDULE, "rdp") == pytest.approx(0.91797, rel=0.01)
    assert noise_for(1.0, SCHEDULE, "prv") == pytest.approx(3.59375, rel=0.01)


def test_prv_is_tighter():
    assert spent(1.5, SCHEDULE, "prv").epsilon < spent(1.5, SCHEDULE, "rdp").epsilon


@pytest.mark.parametrize("accountant", ["prv", "rdp"])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 1000.0])
def test_a_target_is_met_and_nearly_spent(epsilon, accountant):
    achieved = spent(noise_for(epsilon, SCHEDULE, accountant), SCHEDULE, accountant).epsilon
    assert 0.985 * epsilon <= achieved <= epsilon


def test_large_epsilons_are_from_rdp_and_say_so():
    assert spent(0.2, SCHEDULE, "prv") == spent(0.2, SCHEDULE, "rdp")
    assert spent(0.2, SCHEDULE, "prv").accountant == "rdp"


def test_full_batches_are_one_gaussian():
    schedule = Schedule(sample_rate=1.0, steps=20, delta=1e-5)
    exact = gaussian_epsilon(sigma=5 / math.sqrt(20), delta=1e-5, sensitivity=1.0)
    assert spent(5.0, schedule, "prv").epsilon == exact
    nearly = Schedule(sample_rate=1 - 1e-9, steps=20, delta=1e-5)
    assert spent(5.0, nearly, "prv").epsilon == pytest.approx(exact, rel=0.01)


def test_delta_rate_and_steps_matter():
    base = spent(1.5, SCHEDULE, "rdp").epsilon
    assert spent(1.5, Schedule(64 / 1500, 460, 1e-7), "rdp").epsilon > base
    assert spent(1.5, Schedule(64 / 1500, 920, 1e-5), "rdp").epsilon > base
    assert spent(1.5, Schedule(32 / 1500, 460, 1e-5), "rdp").epsilon < base


def test_an_epsilon_below_what_rdp_can_certify_is_bad_input():
    with pytest.raises(BadInput, match=r"epsilon: 0\.05 .*rdp"):
        noise_for(0.05, SCHEDULE, "rdp")
