import math

import numpy as np
import pytest
from scipy.stats import norm

from privbench.errors import BadInput
from privbench.metrics.one_run import Coins, gaussian_bound, p_value
from privbench.metrics.tradeoff import TradeOff
from privbench.privacy import Guarantee, gaussian_epsilon
from privbench.privacy.sampled_gaussian import (
    CONDITIONS,
    SampledGaussianSteps,
    epsilon_of,
    guarantee_of,
    noise_multiplier_for,
    replace_one_profile,
)

STEPS = SampledGaussianSteps(sample_rate=64 / 1500, steps=460, delta=1e-5)
FEW = [SampledGaussianSteps(q, steps, 1e-3) for q in (0.05, 0.5) for steps in (1, 2)]


def replacing(noise, sampled):
    """The epsilon for replacing a record at the delta of the guarantee."""
    return guarantee_of(noise, sampled).replace_one()[0]


@pytest.mark.parametrize(
    ("noise", "rate", "steps", "replaced", "added"),
    [
        (1.03302, 32 / 600, 540, 13.110, 7.916),
        (0.87813, 64 / 1500, 460, 11.768, 7.911),
        (3.60891, 64 / 1500, 460, 2.023, 0.984),
    ],
)
def test_golden_values(noise, rate, steps, replaced, added):
    sampled = SampledGaussianSteps(rate, steps, 1e-5)
    assert epsilon_of(noise, sampled) == pytest.approx(added, rel=2e-4)
    assert replacing(noise, sampled) == pytest.approx(replaced, rel=2e-4)


def mixture(x, rate, noise, side):
    """The density of one step: mostly N(0), with probability ``rate`` N(side)."""
    return (1 - rate) * norm.pdf(x, 0, noise) + rate * norm.pdf(x, side, noise)


def slow_delta(epsilon, noise, sampled, sides):
    """The integral of max(P - e^epsilon Q, 0) over the outputs of one or two steps."""

    def excess(x, log_ratio_before=0.0):
        p, q = (mixture(x, sampled.sample_rate, noise, side) for side in sides)
        return np.maximum(p - np.exp(epsilon - log_ratio_before) * q, 0)

    edge = 9 * noise + 1
    if sampled.steps == 1:
        x, width = np.linspace(-edge, edge, 200_001, retstep=True)
        return excess(x).sum() * width
    x = np.linspace(-edge, edge, 1001)
    first, second = (mixture(x, sampled.sample_rate, noise, side) for side in sides)
    of_rest = excess(x[None], np.log(first / second)[:, None]).sum(1)
    return (first * of_rest).sum() * (x[1] - x[0]) ** 2


@pytest.mark.parametrize("sampled", FEW)
@pytest.mark.parametrize("noise", [0.6, 1.5])
def test_the_profile_of_few_steps_is_that_of_numerical_integration(noise, sampled):
    for epsilon, delta in replace_one_profile(noise, sampled)[::5]:
        exact = slow_delta(epsilon, noise, sampled, (1, -1))
        assert exact * (1 - 1e-4) <= delta + 1e-12
        assert delta <= 1.03 * exact + 2e-11


@pytest.mark.parametrize("other", [(-1, 0), (-0.6, 0), (-0.6, 0.8), (0, 1), (0.8, 0.6)])
@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_no_other_gradient_is_worse_than_the_opposite_one(rate, other):
    """A step in two dimensions, where (1, 0) is replaced by another gradient of norm 1 at most."""
    noise, grid = 0.8, np.linspace(-6, 6, 601)
    x, y = grid[:, None], grid[None]

    def density(gradient):
        taken = norm.pdf(x, gradient[0], noise) * norm.pdf(y, gradient[1], noise)
        return (1 - rate) * norm.pdf(x, 0, noise) * norm.pdf(y, 0, noise) + rate * taken

    p, q = density((1, 0)), density(other)
    for epsilon, delta in replace_one_profile(noise, SampledGaussianSteps(rate, 1, 1e-5))[::8]:
        for first, second in ((p, q), (q, p)):
            exact = np.maximum(first - np.exp(epsilon) * second, 0).sum() * (grid[1] - grid[0]) ** 2
            assert exact <= 1.001 * delta + 1e-11


@pytest.mark.parametrize("sampled", FEW)
@pytest.mark.parametrize("noise", [0.6, 1.5])
def test_adding_and_removing_are_both_covered(noise, sampled):
    epsilon = epsilon_of(noise, sampled)
    deltas = [slow_delta(epsilon, noise, sampled, sides) for sides in ((1, 0), (0, 1))]
    assert max(deltas) == pytest.approx(sampled.delta, rel=5e-3)
    assert max(deltas) <= sampled.delta * (1 + 1e-4)


def test_the_profile_of_many_steps_is_that_of_a_simulation():
    noise, rng = 1.0, np.random.default_rng(0)
    taken = rng.random((4000, STEPS.steps)) < STEPS.sample_rate
    x = taken + noise * rng.normal(size=taken.shape)
    p, q = (mixture(x, STEPS.sample_rate, noise, side) for side in (1, -1))
    losses = np.log(p / q).sum(1)
    for epsilon, delta in replace_one_profile(noise, STEPS)[:15]:
        counted = np.maximum(-np.expm1(epsilon - losses), 0)
        assert abs(counted.mean() - delta) < 4 * counted.std() / math.sqrt(len(losses)) + 1e-3


def test_more_noise_and_fewer_smaller_steps_are_more_private():
    def both(noise=1.5, rate=64 / 1500, steps=460, delta=1e-5):
        sampled = SampledGaussianSteps(rate, steps, delta)
        return np.array([epsilon_of(noise, sampled), replacing(noise, sampled)])

    base = both()
    assert (both(noise=1.6) < base).all()
    assert (both(rate=60 / 1500) < base).all()
    assert (both(steps=440) < base).all()
    assert (both(delta=2e-5) < base).all()


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_replacing_costs_more_than_adding_and_less_than_group_privacy(noise):
    small = SampledGaussianSteps(STEPS.sample_rate, STEPS.steps, 1e-8)
    epsilon = epsilon_of(noise, small)
    assert epsilon < replacing(noise, small)
    twice, delta = Guarantee("dp", epsilon, 1e-8, "add-remove", "").group_privacy()
    assert delta < 1
    assert replacing(noise, SampledGaussianSteps(STEPS.sample_rate, STEPS.steps, delta)) < twice


@pytest.mark.filterwarnings("ignore:Optimal order is the largest alpha")
def test_it_agrees_with_the_accountants_of_opacus():
    """RDP (Mironov et al. 2019) is an upper bound, which PRV (Gopi et al. 2021) is near to."""
    from opacus.accountants import create_accountant

    def opacus(mechanism, noise):
        account = create_accountant(mechanism=mechanism)
        account.history = [(noise, STEPS.sample_rate, STEPS.steps)]
        return account.get_epsilon(delta=1e-5)

    assert epsilon_of(1.5, STEPS) == pytest.approx(opacus("prv", 1.5), rel=0.01)
    for noise in (0.3, 1.5):
        assert epsilon_of(noise, STEPS) < 0.95 * opacus("rdp", noise)


@pytest.mark.parametrize("epsilon", [0.01, 0.5, 1.0, 8.0, 150.0, 1e6])
def test_a_target_is_met_and_nearly_reached(epsilon):
    noise = noise_multiplier_for(epsilon, STEPS)
    assert 0.998 * epsilon <= epsilon_of(noise, STEPS) <= epsilon
    assert replacing(noise, STEPS) > 0.9999 * epsilon


def test_full_batches_are_one_gaussian():
    sampled = SampledGaussianSteps(sample_rate=1.0, steps=20, delta=1e-5)
    sigma = 5 / math.sqrt(20)
    assert epsilon_of(5.0, sampled) == gaussian_epsilon(sigma=sigma, delta=1e-5, sensitivity=1.0)
    assert replacing(5.0, sampled) == gaussian_epsilon(sigma=sigma, delta=1e-5, sensitivity=2.0)


@pytest.mark.parametrize("steps", [20, 30_000])
def test_nearly_full_batches_are_nearly_one_gaussian_and_never_less(steps):
    """Floating-point convolutions of many steps have errors of 1e-12, which must not lower delta."""
    noise = math.sqrt(steps)
    nearly = SampledGaussianSteps(1 - 1e-9, steps, 1e-5)
    for epsilon, delta in replace_one_profile(noise, nearly):
        exact = norm.cdf(1 - epsilon / 2) - np.exp(epsilon) * norm.cdf(-1 - epsilon / 2)
        assert exact * (1 - 1e-6) <= delta < 1.05 * exact
    exact = gaussian_epsilon(sigma=1.0, delta=1e-5, sensitivity=1.0)
    assert exact <= epsilon_of(noise, nearly) < 1.001 * exact


@pytest.mark.parametrize("rate", [1e-4, 0.04, 0.5])
def test_hardly_any_noise_has_a_finite_epsilon(rate):
    """Below some noise sampling counts no more, which is an upper bound."""
    sampled = SampledGaussianSteps(rate, 20, 1e-5)
    noises = (1e-6, 1.99e-3, 2.01e-3, 1e-2)
    assert sorted(noises, key=lambda noise: -epsilon_of(noise, sampled)) == list(noises)
    assert all(math.isfinite(replacing(noise, sampled)) for noise in noises)


def test_an_epsilon_that_no_noise_gives_is_bad_input():
    with pytest.raises(BadInput, match=r"epsilon: 1e-09 is too small for 460 steps"):
        noise_multiplier_for(1e-9, SampledGaussianSteps(64 / 1500, 460, 1e-10))


def test_the_guarantee_has_a_profile_with_its_own_delta():
    stated = guarantee_of(1.5, STEPS)
    assert (stated.kind, stated.adjacency, stated.delta) == ("dp", "add-remove", 1e-5)
    assert stated.epsilon == epsilon_of(1.5, STEPS)
    assert stated.accountant == "pld (dp-accounting)"
    assert stated.conditions == CONDITIONS
    assert stated.gaussian
    assert [delta for _, delta in stated.profile].count(1e-5) == 1
    deltas = np.array([delta for _, delta in stated.profile])
    assert (np.diff(deltas) < 0).all()
    assert deltas[-1] <= 1.001e-10
    full = SampledGaussianSteps(sample_rate=1.0, steps=20, delta=1e-5)
    assert guarantee_of(5.0, full).accountant == "analytic Gaussian"


@pytest.mark.parametrize(
    ("noise", "rate", "steps"),
    [(3.60891, 64 / 1500, 460), (1.0, 0.5, 1), (0.5, 0.1, 1), (0.5, 0.02, 50)],
)
def test_the_bound_for_gaussian_curves_is_below_epsilon_though_the_curve_is_not_gaussian(
    noise, rate, steps
):
    """As many correct guesses as do not refute the profile prove no more than the true epsilon."""
    profile = replace_one_profile(noise, SampledGaussianSteps(rate, steps, 1e-5))
    true = next(epsilon for epsilon, delta in profile if delta == 1e-5)

    def coins(correct):
        return Coins.of_one_run(960, 192, correct)

    curve = TradeOff.of_profile(profile)
    most = max(v for v in range(150, 193) if p_value(coins(v), curve) > 0.05)
    assert most < 192
    assert 0.4 * true < gaussian_bound(coins(most), 1e-5) < true
