"""Coarse outputs: rounded probabilities (Shokri et al. 2017, arXiv 1610.05820, section VIII)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism
from privbench.mechanisms.probabilities import renormalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rounding(OutputMechanism):
    """Rounds the probabilities to a few digits."""

    name: ClassVar[str] = "rounding"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    digits: int = Field(1, ge=1, le=12, description="digits after the decimal point")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the rounded outputs (n, n_classes), scaled to sum to one; uniform if all are zero."""
        return renormalise(probabilities.round(self.digits))

    def resolution(self) -> float:
        """Return half a unit of the last digit: smaller probabilities are rounded to zero."""
        return 0.5 * 10.0**-self.digits
