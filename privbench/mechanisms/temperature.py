"""Temperature scaling of the outputs (Shokri et al. 2017, arXiv 1610.05820, section VIII)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism
from privbench.mechanisms.probabilities import softmax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Temperature(OutputMechanism):
    """Divides the logits by a temperature."""

    name: ClassVar[str] = "temperature"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    temperature: float = Field(
        4.0, gt=0, description="above 1 softens, below 1 sharpens the outputs"
    )

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return outputs (n, n_classes) proportional to p^(1 / temperature)."""
        import numpy as np

        return softmax(np.log(np.maximum(probabilities, 1e-300)) / self.temperature)
