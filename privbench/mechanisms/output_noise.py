"""Noise on the outputs.

Any two probability vectors differ by at most 2 in the L1 norm and sqrt(2) in the L2 norm, whatever
changes in training. Therefore:

- One query with Laplace noise is (2 / scale, 0)-DP (Dwork et al. 2006), and k queries have k times that
  epsilon.
- One query with Gaussian noise has the exact epsilon of Balle, Wang 2018, arXiv 1805.06530, theorem 8.
  k queries have the epsilon of one query with a k times smaller variance.

Clipping at zero and renormalising are post-processing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.mechanisms.base import OutputMechanism
from privbench.mechanisms.probabilities import renormalise
from privbench.privacy import Guarantee, GuaranteeContext, gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import as_conditions
from privbench.privacy.profile import Profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OutputNoise(OutputMechanism):
    """Adds fresh noise to the outputs of every query."""

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
        1e-5, gt=0, lt=1, description="delta of the guarantee; zero with laplace noise"
    )
    queries: int = Field(1, ge=1, description="number of queries that the guarantee covers")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the noisy outputs (n, n_classes), clipped at zero and renormalised."""
        draw = rng.normal if self.noise == "gaussian" else rng.laplace
        noisy = probabilities + draw(scale=self.scale, size=probabilities.shape)
        return renormalise(noisy)

    def resolution(self) -> float:
        """Return a tenth of the noise scale.

        A floor far below the noise makes clipped outputs outliers. Against Gaussian noise of 0.1 on
        models of Location-30 and MNIST, online LiRA is strongest with a floor of 1e-2, compared with
        1e-3 and 1e-12.
        """
        return self.scale / 10

    def queries_covered(self) -> int:
        """Return ``queries``."""
        return self.queries

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return DP of ``queries`` queries together."""
        profile: Profile = ()
        if self.noise == "laplace":
            accountant, epsilon, delta = "closed form", 2 * self.queries / self.scale, 0.0
            more = "k queries cost k times epsilon"
        else:
            accountant, delta = "analytic Gaussian", self.delta
            noise = {"sigma": self.scale / math.sqrt(self.queries), "sensitivity": math.sqrt(2)}
            epsilon = gaussian_epsilon(**noise, delta=delta)
            profile = gaussian_profile(**noise, delta=delta)
            more = "k queries are one of a Gaussian with scale / sqrt(k)"
        count = "one query" if self.queries == 1 else f"at most {self.queries} queries"
        conditions = as_conditions(
            (f"{count} ({more})", "textbook floating-point sampler (Mironov 2012)")
        )
        return Guarantee(
            "dp", epsilon, delta, "replace-one", accountant, conditions,
            profile=profile, gaussian=self.noise == "gaussian",
        )  # fmt: skip
