"""Accounting for DP-SGD: the epsilon of many Gaussian steps on Poisson samples.

The accountants are Opacus's: ``rdp`` (Mironov et al. 2019, arXiv 1908.10530) and the tighter ``prv``
(Gopi et al. 2021, arXiv 2106.02848). The grid of the second grows with epsilon and with the root of
the number of steps: at 450 steps and an epsilon of 150 it takes seconds, at 500 gigabytes. Where it
would grow beyond ``PRV_LIMIT``, the first is used and named. Without sampling (a rate of one) the
steps are one Gaussian mechanism, whose epsilon is exact.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from privbench.errors import BadInput
from privbench.privacy.conditions import as_conditions
from privbench.privacy.gaussian import gaussian_epsilon
from privbench.privacy.guarantees import Guarantee

Accountant = Literal["prv", "rdp"]

PRV_LIMIT = 1500.0  # of epsilon times the root of the number of steps
LARGEST_NOISE = 1e5
ACCOUNTANTS = {"prv": "prv (Opacus)", "rdp": "rdp (Opacus)", "exact": "analytic Gaussian"}
"""The names of accountants in guarantees."""


@dataclass(frozen=True)
class SampledGaussianSteps:
    """Steps of the sampled Gaussian mechanism, without their noise.

    Args:
        sample_rate: Probability with which each step takes a record, independently of others.
        steps: Number of steps.
        delta: Delta of the guarantee.
    """

    sample_rate: float
    steps: int
    delta: float


@dataclass(frozen=True)
class AccountedEpsilon:
    """An epsilon and the accountant that computed it."""

    epsilon: float
    accountant: Literal["prv", "rdp", "exact"]


@lru_cache(maxsize=1024)
def epsilon_of(
    noise_multiplier: float, sampled: SampledGaussianSteps, accountant: Accountant
) -> AccountedEpsilon:
    """Return the epsilon (add-remove) of all steps together.

    The noise of each step has a standard deviation of ``noise_multiplier`` times the clipping norm.
    """
    if sampled.sample_rate == 1:
        sigma = noise_multiplier / math.sqrt(sampled.steps)
        exact = gaussian_epsilon(sigma=sigma, delta=sampled.delta, sensitivity=1.0)
        return AccountedEpsilon(exact, "exact")
    rough = _opacus_epsilon(noise_multiplier, sampled, "rdp")
    if accountant == "rdp" or rough * math.sqrt(sampled.steps) > PRV_LIMIT:
        return AccountedEpsilon(rough, "rdp")
    return AccountedEpsilon(_opacus_epsilon(noise_multiplier, sampled, "prv"), "prv")


@lru_cache(maxsize=1024)
def noise_multiplier_for(
    epsilon: float, sampled: SampledGaussianSteps, accountant: Accountant
) -> float:
    """Return a noise multiplier whose epsilon is at most ``epsilon``, and mostly 99% of it or more.

    It is less only where ``epsilon_of`` changes from one accountant to the other. Opacus's own search
    visits noise near zero, where PRV needs gigabytes, and its tolerance is absolute.

    Raises:
        BadInput: If no noise is enough: RDP cannot certify very small epsilons.
    """

    def excess(log_noise: float) -> float:
        return epsilon_of(math.exp(log_noise), sampled, accountant).epsilon - epsilon

    low, high = _bracket(excess, epsilon, accountant)
    while high - low > 1e-4 and excess(high) < -0.01 * epsilon:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return math.exp(high)


def _bracket(
    excess: Callable[[float], float], epsilon: float, accountant: Accountant
) -> tuple[float, float]:
    """Return log noise multipliers, a factor of two apart, with more and at most ``epsilon``."""
    step = math.log(2.0)
    high = 0.0
    while excess(high) > 0:
        high += step
        if high > math.log(LARGEST_NOISE):
            raise BadInput(f"epsilon: {epsilon} is too small for the {accountant} accountant")
    while excess(high - step) <= 0:
        high -= step
    return high - step, high


def _opacus_epsilon(
    noise_multiplier: float, sampled: SampledGaussianSteps, accountant: Accountant
) -> float:
    from opacus.accountants import create_accountant

    account = create_accountant(mechanism=accountant)
    account.history = [(noise_multiplier, sampled.sample_rate, sampled.steps)]
    with warnings.catch_warnings():
        # RDP says that another order could give a smaller epsilon; what it returns is valid as it is.
        warnings.filterwarnings("ignore", "Optimal order is the", UserWarning)
        return float(account.get_epsilon(delta=sampled.delta))


CONDITIONS = as_conditions(
    (
        "Poisson sampling",
        "the number of records is public",
        "hyperparameters chosen without the private data",
        "textbook floating-point Gaussian (Mironov 2012)",
    )
)
"""Conditions of every guarantee of sampled Gaussian steps."""


def guarantee_of(
    noise_multiplier: float, sampled: SampledGaussianSteps, accountant: Accountant
) -> Guarantee:
    """Return the guarantee of training by such steps, with ``CONDITIONS``."""
    accounted = epsilon_of(noise_multiplier, sampled, accountant)
    return Guarantee(
        kind="dp",
        epsilon=accounted.epsilon,
        delta=sampled.delta,
        adjacency="add-remove",
        accountant=ACCOUNTANTS[accounted.accountant],
        conditions=CONDITIONS,
    )
