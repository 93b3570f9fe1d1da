"""Outputs without probabilities, which Choquette-Choo et al. 2021 attack nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from privbench.mechanisms.base import OutputMechanism

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LabelOnlyOutput(OutputMechanism):
    """Publishes the predicted class without probabilities."""

    name: ClassVar[str] = "label-only"
    paper: ClassVar[str] = "Choquette-Choo et al. 2021, arXiv 2007.14321"

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return one-hot outputs (n, n_classes): one for the predicted class."""
        import numpy as np

        outputs = np.zeros_like(probabilities)
        np.put_along_axis(outputs, probabilities.argmax(axis=1)[:, None], 1.0, axis=1)
        return outputs

    def resolution(self) -> float:
        """Return a floor far above zero, since outputs of zero carry no confidence."""
        return 1e-3
