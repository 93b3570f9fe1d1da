"""What defenses claim: guarantees and the accounting behind them."""

from privbench.privacy.gaussian import gaussian_epsilon
from privbench.privacy.guarantees import Guarantee, Stated, compose

__all__ = ["Guarantee", "Stated", "compose", "gaussian_epsilon"]
