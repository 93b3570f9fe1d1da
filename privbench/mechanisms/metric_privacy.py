"""Metric privacy on latent codes.

The mechanism is that of Yang, Ma, Miao, Ma 2022, arXiv 2202.05469 (doi 10.1049/cmu2.12507), with
d_X-privacy as defined by Chatzikokolakis et al. 2013. Each code gets noise v with density proportional
to exp(-epsilon ||v||_2). In n dimensions, v is a uniform direction times a norm from
Gamma(n, 1 / epsilon), so E||v|| = n / epsilon.

With the Mahalanobis metric, the noise is added to whitened codes. Mean and covariance are those of the
codes of reference records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.mechanisms.base import LatentMechanism
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.conditions import LABELS_NOT_COVERED, as_conditions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricPrivacy(LatentMechanism):
    """n-dimensional Laplace noise on latent codes."""

    name: ClassVar[str] = "metric-privacy"
    paper: ClassVar[str] = "Yang, Ma, Miao, Ma 2022, arXiv 2202.05469"
    record_wise: ClassVar[bool] = True

    epsilon: float = Field(gt=0, description="privacy per unit of distance between codes")
    metric: Literal["euclidean", "mahalanobis"] = Field(
        "euclidean",
        description="distance between codes; mahalanobis is that of codes whitened by the reference"
        " records",
    )
    radius: float | None = Field(
        None,
        gt=0,
        description="radius of the ball, in the metric, to which codes are clipped, for a finite epsilon"
        " of local DP",
    )

    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the noisy codes (n, latent_dim) with the Euclidean metric.

        Raises TypeError for the Mahalanobis metric, which needs codes of reference records.
        """
        import numpy as np

        if self.metric != "euclidean":
            raise TypeError(
                f"{self.name}: metric {self.metric!r} needs reference codes: use apply_with_reference"
            )
        return self._noisy(codes.astype(np.float64), rng).astype(np.float32)

    def apply_with_reference(
        self,
        codes: NDArray[np.float32],
        reference: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Return the noisy codes (n, latent_dim)."""
        import numpy as np

        if self.metric == "euclidean":
            return self.apply(codes, rng)
        center, scale = mean_and_scale(reference)
        whitened = (codes.astype(np.float64) - center) @ np.linalg.inv(scale)
        return (self._noisy(whitened, rng) @ scale + center).astype(np.float32)

    def _noisy(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        if self.radius is not None:
            codes = clip_to_ball(codes, self.radius)
        return codes + laplace_ball(codes.shape, self.epsilon, rng)

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return metric privacy; with a radius, local DP: the ball of codes is 2 radius wide."""
        conditions = as_conditions(
            (
                LABELS_NOT_COVERED,
                "each record is released once",
                "textbook floating-point sampler (Haney et al. 2022)",
            )
        )
        how = "closed form" if self.metric == "euclidean" else f"closed form, {self.metric} d"
        if self.radius is None:
            return Guarantee("metric-dp", self.epsilon, 0.0, "local", how, conditions, "features")
        epsilon = 2 * self.radius * self.epsilon
        return Guarantee("local-dp", epsilon, 0.0, "local", how, conditions, "features")


def mean_and_scale(codes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (d,) of codes (k, d), and the symmetric square root (d, d) of their covariance.

    The standard deviation in each principal direction is at least a hundredth of the largest one.
    Otherwise the noise would vanish in the directions that a VAE does not use.
    """
    import numpy as np

    exact = codes.astype(np.float64)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(exact.T, bias=True)))
    sd = np.sqrt(np.maximum(values, 0))
    sd = np.maximum(sd, sd.max() / 100 or 1.0)
    return exact.mean(axis=0), (vectors * sd) @ vectors.T


def laplace_ball(
    shape: tuple[int, ...], epsilon: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw noise (n, dimensions) whose rows have density proportional to exp(-epsilon ||v||_2)."""
    import numpy as np

    direction = rng.standard_normal(shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    # The sphere of radius r has an area proportional to r^(n-1): the norm is Gamma-distributed, and
    # exponentially only for n = 1.
    norm = rng.gamma(shape[1], 1.0 / epsilon, size=(shape[0], 1))
    return direction * norm


def clip_to_ball(codes: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return codes (n, dimensions) scaled down to the norm ``radius`` where theirs is larger."""
    import numpy as np

    norm = np.linalg.norm(codes, axis=1, keepdims=True)
    clipped: NDArray[np.float64] = codes * (radius / np.maximum(norm, radius))
    return clipped
