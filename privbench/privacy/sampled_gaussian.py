"""Accounting for DP-SGD: the epsilon of many Gaussian steps on Poisson samples.

It is computed by privacy-loss distributions, with Google's ``dp-accounting`` (Doroshenko et al. 2022,
"Connect the Dots", arXiv 2207.04380). Losses are rounded so that epsilon and delta are upper bounds.
With q the sampling rate, sigma the noise and N(m) the normal distribution with mean m and deviation
sigma, one step is as private as

- (1 - q) N(0) + q N(1) against N(0), in both orders, for adding or removing a record;
- (1 - q) N(0) + q N(1) against (1 - q) N(0) + q N(-1), for replacing a record, whose gradient may turn
  around (``REPLACE_ONE`` of dp-accounting; see also Schuchardt et al. 2024, "Unified Mechanism-Specific
  Amplification by Subsampling and Group Privacy Amplification", NeurIPS). The other order has the same
  losses by symmetry.

Without sampling (a rate of one) all steps are one Gaussian mechanism, whose epsilon is exact. It is an
upper bound with sampling, too, and used where the noise is too little for exponentials of losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from privbench.errors import BadInput
from privbench.privacy.conditions import as_conditions
from privbench.privacy.gaussian import gaussian_epsilon, gaussian_profile
from privbench.privacy.guarantees import Guarantee
from privbench.privacy.profile import SMALLEST_DELTA, Profile, profile_of

if TYPE_CHECKING:
    from dp_accounting.pld.privacy_loss_distribution import PrivacyLossDistribution

Neighbours = Literal["add-remove", "replace-one"]

SMALLEST_NOISE, LARGEST_NOISE = 2e-3, 1e5
LOSSES = 10_000
"""The most losses of a step, for adding or removing a record; replacing one has up to twice as many."""
LARGEST_INTERVAL = 100.0
PER_DEVIATION = 50
"""Rounded losses per standard deviation of the loss of a step."""
TOLERANCE = 1e-4
"""Of the logarithm of a noise multiplier."""


@dataclass(frozen=True)
class SampledGaussianSteps:
    """Steps of the sampled Gaussian mechanism, without their noise.

    Args:
        sample_rate: Probability with which each step takes a record, independently of others.
        steps: Number of steps.
        delta: Delta of the guarantee, at least ``SMALLEST_DELTA``.
    """

    sample_rate: float
    steps: int
    delta: float

    def guarantee(self, noise_multiplier: float) -> Guarantee:
        """Return the guarantee of training by such steps, with ``CONDITIONS``.

        The noise of each step has a standard deviation of ``noise_multiplier`` times the clipping norm.
        """
        return guarantee_of(noise_multiplier, self)


@lru_cache(maxsize=1024)
def epsilon_of(noise_multiplier: float, sampled: SampledGaussianSteps) -> float:
    """Return the epsilon of all steps together, for adding or removing a record.

    The noise of each step has a standard deviation of ``noise_multiplier`` times the clipping norm.
    """
    if _is_one_gaussian(noise_multiplier, sampled):
        sigma = noise_multiplier / math.sqrt(sampled.steps)
        return gaussian_epsilon(sigma=sigma, delta=sampled.delta, sensitivity=1.0)
    losses = _losses(noise_multiplier, sampled, "add-remove")
    return float(losses.get_epsilon_for_delta(sampled.delta))


@lru_cache(maxsize=1024)
def noise_multiplier_for(epsilon: float, sampled: SampledGaussianSteps) -> float:
    """Return a noise multiplier whose epsilon is at most ``epsilon``, and nearly that.

    It is less only where epsilon jumps, at ``SMALLEST_NOISE``: with epsilons of millions.

    Raises:
        BadInput: If no noise multiplier up to ``LARGEST_NOISE`` is enough.
    """
    from scipy.optimize import brentq

    def excess(log_noise: float) -> float:
        """Return a logarithm, which is nearly linear in that of the noise."""
        accounted = epsilon_of(math.exp(log_noise), sampled)
        return math.log(accounted / epsilon) if accounted > 0 else -1.0

    step, high = math.log(2.0), 0.0
    while excess(high) > 0:
        high += step
        if high > math.log(LARGEST_NOISE):
            raise BadInput(
                f"epsilon: {epsilon} is too small for {sampled.steps} steps with delta {sampled.delta}"
            )
    while excess(high - step) <= 0:
        high -= step
    root = float(brentq(excess, high - step, high, xtol=TOLERANCE))
    while excess(root) > 0:
        root += TOLERANCE
    return math.exp(root)


@lru_cache(maxsize=1024)
def replace_one_profile(noise_multiplier: float, sampled: SampledGaussianSteps) -> Profile:
    """Return the profile of all steps together, for replacing a record."""
    if _is_one_gaussian(noise_multiplier, sampled):
        sigma = noise_multiplier / math.sqrt(sampled.steps)
        return gaussian_profile(sigma=sigma, delta=sampled.delta, sensitivity=2.0)
    losses = _losses(noise_multiplier, sampled, "replace-one")
    return profile_of(losses.get_epsilon_for_delta, losses.get_delta_for_epsilon, sampled.delta)


def _is_one_gaussian(noise_multiplier: float, sampled: SampledGaussianSteps) -> bool:
    return sampled.sample_rate == 1 or noise_multiplier < SMALLEST_NOISE


def _losses(
    noise_multiplier: float, sampled: SampledGaussianSteps, neighbours: Neighbours
) -> PrivacyLossDistribution:
    """Return the distribution of the privacy loss of all steps together, rounded upwards."""
    from dp_accounting import NeighboringRelation
    from dp_accounting.pld.privacy_loss_distribution import from_gaussian_mechanism

    relations = {
        "add-remove": NeighboringRelation.ADD_OR_REMOVE_ONE,
        "replace-one": NeighboringRelation.REPLACE_ONE,
    }
    step = from_gaussian_mechanism(
        noise_multiplier,
        sampling_prob=sampled.sample_rate,
        value_discretization_interval=_interval(noise_multiplier, sampled.sample_rate),
        neighboring_relation=relations[neighbours],
    )
    # Besides what is cut off, this mass of an infinite loss pays for the rounding of floating-point
    # Fourier transforms: measured against the exact Gaussian, up to 4e-17 per step.
    uncertain = min(max(1e-15, 1e-16 * sampled.steps), SMALLEST_DELTA / 5)
    return step.self_compose(sampled.steps, tail_mass_truncation=uncertain)


def _interval(noise_multiplier: float, sample_rate: float) -> float:
    """Return the interval between the losses to which those of a step are rounded.

    It is a share of their standard deviation, so that rounding costs epsilon about a thousandth whatever
    the number of steps, or more where a step has too many losses (``LOSSES``).
    """
    from dp_accounting.pld.privacy_loss_mechanism import GaussianPrivacyLoss

    # With much noise the variance is q^2 times the chi-square divergence; with little noise the loss is
    # near 1 / (2 sigma^2) for a taken record, else near zero.
    much = sample_rate * math.sqrt(math.expm1(min(noise_multiplier**-2, 700.0)))
    little = math.sqrt(sample_rate) * (0.5 / noise_multiplier**2 + 1 / noise_multiplier)
    bounds = GaussianPrivacyLoss(noise_multiplier, sampling_prob=sample_rate).connect_dots_bounds()
    largest = float(bounds.epsilon_upper - bounds.epsilon_lower)
    return min(LARGEST_INTERVAL, max(min(much, little) / PER_DEVIATION, largest / LOSSES))


CONDITIONS = as_conditions(
    (
        "Poisson sampling",
        "the number of records is public",
        "hyperparameters chosen without the private data",
        "textbook floating-point Gaussian (Mironov 2012)",
    )
)
"""Conditions of every guarantee of sampled Gaussian steps."""


def guarantee_of(noise_multiplier: float, sampled: SampledGaussianSteps) -> Guarantee:
    """Return the guarantee of training by such steps, with ``CONDITIONS``."""
    gaussian = _is_one_gaussian(noise_multiplier, sampled)
    return Guarantee(
        kind="dp",
        epsilon=epsilon_of(noise_multiplier, sampled),
        delta=sampled.delta,
        adjacency="add-remove",
        accountant="analytic Gaussian" if gaussian else "pld (dp-accounting)",
        conditions=CONDITIONS,
        profile=replace_one_profile(noise_multiplier, sampled),
        gaussian=True,
    )
