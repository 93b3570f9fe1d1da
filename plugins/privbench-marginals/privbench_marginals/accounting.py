"""How much noise a guarantee needs, and what a guarantee states.

A mechanism here is an adaptive composition of Gaussian noise on marginals and of exponential mechanisms
that select marginals. With g the rho of all Gaussian noise and e that of all selections, it is

- (g + e)-zCDP for adding or removing a record;
- (2 g + 4 e)-zCDP for replacing one, which changes two cells of a marginal by one, and a score
  by up to two.

The noise is chosen by zCDP, as in the papers of MST and AIM. Where nothing is selected, the profile of
the guarantee is the exact one of Gaussian noise, mu = sqrt(2 g).

Sources: Bun, Steinke 2016, arXiv 1605.02065 (zCDP); Cesar, Rogers 2021, arXiv 2004.07223 (an exponential
mechanism of epsilon is epsilon^2/8-zCDP); Dong, Roth, Su 2019, arXiv 1905.02383 (mu).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from privbench import Condition, Guarantee

DELTAS = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5)
"""Of the profile of a guarantee."""
CONDITIONS = (
    Condition("categories and ranges of numbers are public"),
    Condition("noise is drawn as floating-point numbers, whose last bits are not covered"),
)


@dataclass(frozen=True)
class Budget:
    """What may be spent, as rho of zCDP.

    Attributes:
        gaussian: of Gaussian noise on marginals.
        selection: of exponential mechanisms; 0 if nothing is selected.
    """

    gaussian: float
    selection: float

    @property
    def total(self) -> float:
        """The rho for adding or removing a record."""
        return self.gaussian + self.selection

    @property
    def mu(self) -> float:
        """The mu of Gaussian differential privacy of the Gaussian noise alone, add-remove."""
        return math.sqrt(2 * self.gaussian)

    def replace_one_epsilon(self, delta: float) -> float:
        """Return the epsilon at a delta for replacing a record."""
        if self.selection:
            return _epsilon_of_rho(2 * self.gaussian + 4 * self.selection, delta)
        return _epsilon_of_mu(math.sqrt(2) * self.mu, delta)


def budget_of(epsilon: float, delta: float, selection: float) -> Budget:
    """Return the largest budget that is (epsilon, delta)-DP for adding or removing a record.

    Args:
        epsilon: > 0.
        delta: in (0, 1).
        selection: the share of rho for selections.

    >>> round(budget_of(1.0, 0.01, selection=0).mu, 2)
    0.45
    """
    rho = _rho_of(epsilon, delta)
    return Budget(rho * (1 - selection), rho * selection)


def guarantee_of(budget: Budget, epsilon: float, delta: float) -> Guarantee:
    """Return what a mechanism with this budget guarantees about the records it is fitted on."""
    deltas = sorted({*DELTAS, delta})
    return Guarantee(
        kind="dp",
        epsilon=epsilon,
        delta=delta,
        adjacency="add-remove",
        accountant="zCDP (dp-accounting)",
        conditions=CONDITIONS,
        profile=tuple((budget.replace_one_epsilon(d), d) for d in deltas),
        gaussian=not budget.selection,
    )


@lru_cache(maxsize=64)
def _rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho for which rho-zCDP is (epsilon, delta)-DP, rounded down."""
    from scipy.optimize import brentq

    def excess(log_rho: float) -> float:
        return _epsilon_of_rho(math.exp(log_rho), delta) - epsilon

    low = high = 0.0
    while excess(low) > 0:
        low -= 2
    while excess(high) < 0:
        high += 2
    root = brentq(excess, low - 2, high + 2, xtol=1e-8)
    return math.exp(float(root) - 1e-7)


@lru_cache(maxsize=4096)
def _epsilon_of_rho(rho: float, delta: float) -> float:
    from dp_accounting import ZCDpEvent
    from dp_accounting.rdp import RdpAccountant

    orders = [1 + x / 10 for x in range(1, 100)] + list(range(11, 512))
    accountant = RdpAccountant(orders)
    accountant.compose(ZCDpEvent(rho))
    return float(accountant.get_epsilon(delta))


@lru_cache(maxsize=4096)
def _epsilon_of_mu(mu: float, delta: float) -> float:
    from dp_accounting.pld.privacy_loss_mechanism import GaussianPrivacyLoss
    from scipy.optimize import brentq

    loss = GaussianPrivacyLoss(standard_deviation=1 / mu)

    def excess(epsilon: float) -> float:
        return float(loss.get_delta_for_epsilon(epsilon)) - delta

    if excess(0.0) <= 0:
        return 0.0
    high = 1.0
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-10))
