"""Coarse answers: probabilities with few digits (Shokri et al. 2017, section VIII)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism
from privbench.mechanisms.output_noise import renormalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rounding(OutputMechanism):
    """Rounds the probabilities to a few digits, and scales them to sum to one."""

    name: ClassVar[str] = "rounding"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    digits: int = Field(1, ge=1, le=12, description="after the decimal point")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The rounded answers (n, n_classes); where all round to zero, the uniform distribution."""
        return renormalise(probabilities.round(self.digits))

    def resolution(self) -> float:
        """Half a unit of the last digit: what rounds to zero is below it."""
        return 0.5 * 10.0**-self.digits
