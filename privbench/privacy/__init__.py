"""Guarantees: what components state, how a pipeline's is composed, and the accounting behind them."""

from privbench.privacy.composition import compose
from privbench.privacy.conditions import Condition
from privbench.privacy.context import GuaranteeContext
from privbench.privacy.gaussian import gaussian_epsilon, gaussian_profile
from privbench.privacy.guarantees import Guarantee

__all__ = [
    "Condition",
    "Guarantee",
    "GuaranteeContext",
    "compose",
    "gaussian_epsilon",
    "gaussian_profile",
]
