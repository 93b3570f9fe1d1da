"""Answers without probabilities (Choquette-Choo et al. 2021 attack them all the same)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from privbench.mechanisms.base import OutputMechanism

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LabelOnlyOutput(OutputMechanism):
    """Gives the most probable class and no probabilities."""

    name: ClassVar[str] = "label-only"
    paper: ClassVar[str] = "Choquette-Choo et al. 2021, arXiv 2007.14321"

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The answers (n, n_classes): one for the most probable class, zero for the others."""
        import numpy as np

        answers = np.zeros_like(probabilities)
        np.put_along_axis(answers, probabilities.argmax(axis=1)[:, None], 1.0, axis=1)
        return answers

    def resolution(self) -> float:
        """Zero and one say which class it is, and nothing of how sure the model is."""
        return 1e-3
