"""Answers that name the most probable classes only (Shokri et al. 2017, section VIII)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TopK(OutputMechanism):
    """Gives the largest probabilities only; of the others one knows their sum."""

    name: ClassVar[str] = "top-k"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    k: int = Field(1, ge=1, description="how many probabilities are given")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The answers (n, n_classes): what is not given is spread evenly, which is all one can know."""
        import numpy as np

        classes = probabilities.shape[1]
        if self.k >= classes - 1:  # the last one is known from the others
            return probabilities
        given = np.argsort(-probabilities, axis=1, kind="stable")[:, : self.k]
        known = np.take_along_axis(probabilities, given, axis=1)
        rest = np.maximum(1 - known.sum(axis=1, keepdims=True), 0) / (classes - self.k)
        rest = np.minimum(rest, known[:, -1:])  # rounding must not lift it above what is given
        answers = np.repeat(rest, classes, axis=1)
        np.put_along_axis(answers, given, known, axis=1)
        return answers
