"""Noise on the answered probabilities.

Whatever changes in training, two probability vectors differ by at most 2 in the L1 norm and by
sqrt(2) in the L2 norm. So one answer with Laplace noise is (2 / scale, 0)-DP (Dwork et al. 2006), and
with Gaussian noise it has the exact epsilon of Balle, Wang 2018, arXiv 1805.06530, theorem 8.
Answers add up: k of them are k times epsilon with Laplace noise, and with Gaussian noise what one with a
k times smaller variance is. Clipping at zero and renormalising is post-processing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.mechanisms.base import GuaranteeContext, OutputMechanism
from privbench.privacy import Guarantee, gaussian_epsilon

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OutputNoise(OutputMechanism):
    """Adds noise to the probabilities of every answer, drawn afresh for each query."""

    name: ClassVar[str] = "output-noise"
    paper: ClassVar[str] = "Balle, Wang 2018, arXiv 1805.06530"
    seedless: ClassVar[frozenset[str]] = frozenset({"queries"})

    noise: Literal["gaussian", "laplace"] = Field(
        "gaussian", description="distribution of the noise"
    )
    scale: float = Field(
        0.1, gt=0, description="standard deviation (gaussian) or scale b (laplace) per probability"
    )
    delta: float = Field(
        1e-5, gt=0, lt=1, description="delta of the claim; the laplace claim has none"
    )

    queries: int = Field(1, ge=1, description="answers that the claim covers together")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The noisy answers (n, n_classes), clipped at zero and renormalised."""
        draw = rng.normal if self.noise == "gaussian" else rng.laplace
        noisy = probabilities + draw(scale=self.scale, size=probabilities.shape)
        return renormalise(noisy)

    def resolution(self) -> float:
        """A tenth of the noise's scale.

        Of 1e-12, 1e-3 and 1e-2, online LiRA did best with 1e-2 against Gaussian noise of 0.1 on
        Location-30 and MNIST models; a floor far below the noise makes clipped answers outliers.
        """
        return self.scale / 10

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """DP of ``queries`` answers together."""
        if self.noise == "laplace":
            accountant, epsilon, delta = "closed form", 2 * self.queries / self.scale, 0.0
            more = "k queries cost k times epsilon"
        else:
            accountant, delta = "analytic Gaussian", self.delta
            sigma = self.scale / math.sqrt(self.queries)
            epsilon = gaussian_epsilon(sigma=sigma, delta=delta, sensitivity=math.sqrt(2))
            more = "k queries are one of a Gaussian with scale / sqrt(k)"
        count = "one query" if self.queries == 1 else f"at most {self.queries} queries"
        asked = f"{count} ({more})"
        conditions = (asked, "textbook floating-point sampler (Mironov 2012)")
        return Guarantee("dp", epsilon, delta, "replace-one", accountant, conditions)


def renormalise(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (n, n_classes) clipped at zero, then scaled to sum to one; all zero becomes uniform."""
    import numpy as np

    clipped = np.maximum(answers, 0.0)
    total = clipped.sum(axis=1, keepdims=True)
    empty = total == 0
    return np.where(empty, 1.0 / answers.shape[1], clipped / np.where(empty, 1.0, total))
