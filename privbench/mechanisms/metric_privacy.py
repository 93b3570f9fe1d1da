"""Metric privacy on latent codes.

Yang, Ma, Miao, Ma, arXiv 2202.05469 (DOI 10.1049/cmu2.12507), with d_X-privacy as defined by
Chatzikokolakis et al. 2013: every code gets noise with density proportional to exp(-epsilon ||v||_2).
In n dimensions that is a direction uniform on the sphere times a norm from Gamma(n, 1/epsilon), so
E||v|| = n / epsilon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import GuaranteeContext, LatentMechanism
from privbench.privacy import Guarantee

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricPrivacy(LatentMechanism):
    """Noise on latent codes that hides them among the codes nearby (n-dimensional Laplace)."""

    name: ClassVar[str] = "metric-privacy"
    paper: ClassVar[str] = "Yang, Ma, Miao, Ma 2022, arXiv 2202.05469"

    epsilon: float = Field(gt=0, description="privacy per unit of Euclidean distance between codes")
    radius: float | None = Field(
        None,
        gt=0,
        description="clip codes to a ball of this radius first, for a finite local epsilon",
    )

    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """The noisy codes (n, latent_dim)."""
        import numpy as np

        exact = codes.astype(np.float64)
        if self.radius is not None:
            exact = clip_to_ball(exact, self.radius)
        return (exact + laplace_ball(exact.shape, self.epsilon, rng)).astype(np.float32)

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Metric privacy; with a radius also a finite epsilon of local DP: the ball is 2 radius wide."""
        conditions: tuple[str, ...] = (
            "labels are not covered",
            "each record is released once",
            "textbook floating-point sampler (Haney et al. 2022)",
        )
        if context.generator_fitted_on == "private":
            fitted = (
                "encoder and decoder are independent of the record"
                " (not so here: fitted on the private records)"
            )
            conditions = (fitted, *conditions)
        if self.radius is None:
            return Guarantee("metric-dp", self.epsilon, 0.0, "local", "closed form", conditions)
        epsilon = 2 * self.radius * self.epsilon
        return Guarantee("local-dp", epsilon, 0.0, "local", "closed form", conditions)


def laplace_ball(
    shape: tuple[int, ...], epsilon: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Noise (n, dimensions): each row has density proportional to exp(-epsilon ||v||_2)."""
    import numpy as np

    direction = rng.standard_normal(shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    # The shell at distance r has area r^(n-1), so the norm is Gamma, and exponential only for n = 1.
    norm = rng.gamma(shape[1], 1.0 / epsilon, size=(shape[0], 1))
    return direction * norm


def clip_to_ball(codes: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """The codes (n, dimensions), those outside the ball moved to its surface along their ray."""
    import numpy as np

    norm = np.linalg.norm(codes, axis=1, keepdims=True)
    clipped: NDArray[np.float64] = codes * (radius / np.maximum(norm, radius))
    return clipped
