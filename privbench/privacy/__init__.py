"""What defenses claim: guarantees and the accounting behind them."""

from privbench.privacy.guarantees import Guarantee

__all__ = ["Guarantee"]
