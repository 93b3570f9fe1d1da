"""Epsilon of many Gaussian steps on Poisson samples, which is what DP-SGD does.

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
from privbench.privacy.gaussian import gaussian_epsilon
from privbench.privacy.guarantees import Guarantee

Accountant = Literal["prv", "rdp"]

PRV_LIMIT = 1500.0  # of epsilon times the root of the number of steps
LARGEST_NOISE = 1e5
ACCOUNTANTS = {"prv": "prv (Opacus)", "rdp": "rdp (Opacus)", "exact": "analytic Gaussian"}
"""How a claim names them."""


@dataclass(frozen=True)
class Schedule:
    """Steps that each take every record with probability ``sample_rate``, and the delta allowed."""

    sample_rate: float
    steps: int
    delta: float


@dataclass(frozen=True)
class Spent:
    """An epsilon and the accountant that it is from."""

    epsilon: float
    accountant: Literal["prv", "rdp", "exact"]


@lru_cache(maxsize=1024)
def spent(noise_multiplier: float, schedule: Schedule, accountant: Accountant) -> Spent:
    """Epsilon (add-remove) after the schedule; the noise is a multiple of the clipping norm."""
    if schedule.sample_rate == 1:
        sigma = noise_multiplier / math.sqrt(schedule.steps)
        return Spent(gaussian_epsilon(sigma=sigma, delta=schedule.delta, sensitivity=1.0), "exact")
    rough = _epsilon(noise_multiplier, schedule, "rdp")
    if accountant == "rdp" or rough * math.sqrt(schedule.steps) > PRV_LIMIT:
        return Spent(rough, "rdp")
    return Spent(_epsilon(noise_multiplier, schedule, "prv"), "prv")


@lru_cache(maxsize=1024)
def noise_for(epsilon: float, schedule: Schedule, accountant: Accountant) -> float:
    """A noise multiplier that spends at most ``epsilon``, and about 99% of it or more.

    (Less only where ``spent`` goes over from one accountant to the other.) Opacus's own search visits
    noise near zero, where PRV needs gigabytes, and its tolerance is absolute.
    Raises BadInput if no noise is enough: RDP cannot certify very small epsilons.
    """

    def excess(log_noise: float) -> float:
        return spent(math.exp(log_noise), schedule, accountant).epsilon - epsilon

    low, high = _bracket(excess, epsilon, accountant)
    while high - low > 1e-4 and excess(high) < -0.01 * epsilon:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return math.exp(high)


def _bracket(
    excess: Callable[[float], float], epsilon: float, accountant: Accountant
) -> tuple[float, float]:
    """Log noise multipliers, a factor of two apart, that spend more and at most ``epsilon``."""
    step = math.log(2.0)
    high = 0.0
    while excess(high) > 0:
        high += step
        if high > math.log(LARGEST_NOISE):
            raise BadInput(f"epsilon: {epsilon} is too small for the {accountant} accountant")
    while excess(high - step) <= 0:
        high -= step
    return high - step, high


def _epsilon(noise_multiplier: float, schedule: Schedule, accountant: Accountant) -> float:
    from opacus.accountants import create_accountant

    account = create_accountant(mechanism=accountant)
    account.history = [(noise_multiplier, schedule.sample_rate, schedule.steps)]
    with warnings.catch_warnings():
        # RDP says that another order could give a smaller epsilon; what it returns is valid as it is.
        warnings.filterwarnings("ignore", "Optimal order is the", UserWarning)
        return float(account.get_epsilon(delta=schedule.delta))


def claim_of(
    noise_multiplier: float,
    schedule: Schedule,
    accountant: Accountant,
    conditions: tuple[str, ...] = (),
) -> Guarantee:
    """What training by such steps claims; ``conditions`` come before its own."""
    result = spent(noise_multiplier, schedule, accountant)
    own = (
        "Poisson sampling",
        "the number of records is public",
        "hyperparameters chosen without the private data",
        "textbook floating-point Gaussian (Mironov 2012)",
    )
    return Guarantee(
        kind="dp",
        epsilon=result.epsilon,
        delta=schedule.delta,
        adjacency="add-remove",
        accountant=ACCOUNTANTS[result.accountant],
        conditions=(*conditions, *own),
    )
