"""Outputs for the top classes only (Shokri et al. 2017, arXiv 1610.05820, section VIII)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TopK(OutputMechanism):
    """Publishes the k largest probabilities only."""

    name: ClassVar[str] = "top-k"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    k: int = Field(1, ge=1, description="number of probabilities to publish")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the outputs (n, n_classes): the rest is spread evenly over the other classes.

        An adversary knows that much, since probabilities sum to one.
        """
        import numpy as np

        classes = probabilities.shape[1]
        if self.k >= classes - 1:  # the last probability follows from the others
            return probabilities
        top = np.argsort(-probabilities, axis=1, kind="stable")[:, : self.k]
        published = np.take_along_axis(probabilities, top, axis=1)
        rest = np.maximum(1 - published.sum(axis=1, keepdims=True), 0) / (classes - self.k)
        rest = np.minimum(
            rest, published[:, -1:]
        )  # rounding must not lift it above the top classes
        outputs = np.repeat(rest, classes, axis=1)
        np.put_along_axis(outputs, top, published, axis=1)
        return outputs
