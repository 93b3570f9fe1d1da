"""What defenses claim: guarantees and the accounting behind them."""

from privbench.privacy.gaussian import gaussian_epsilon
from privbench.privacy.guarantees import Guarantee, compose

__all__ = ["Guarantee", "compose", "gaussian_epsilon"]
