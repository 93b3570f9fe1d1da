"""Metric privacy on latent codes.

Yang, Ma, Miao, Ma, arXiv 2202.05469 (DOI 10.1049/cmu2.12507), with d_X-privacy as defined by
Chatzikokolakis et al. 2013: every code gets noise with density proportional to exp(-epsilon ||v||_2).
In n dimensions that is a direction uniform on the sphere times a norm from Gamma(n, 1/epsilon), so
E||v|| = n / epsilon. With the Mahalanobis metric the same is done to codes that are whitened with the
aggregate posterior of the reference records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.mechanisms.base import GuaranteeContext, LatentMechanism
from privbench.privacy import Guarantee
from privbench.privacy.guarantees import LABELS, NOT_SO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricPrivacy(LatentMechanism):
    """Noise on latent codes that hides them among the codes nearby (n-dimensional Laplace)."""

    name: ClassVar[str] = "metric-privacy"
    paper: ClassVar[str] = "Yang, Ma, Miao, Ma 2022, arXiv 2202.05469"
    record_wise: ClassVar[bool] = True

    epsilon: float = Field(gt=0, description="privacy per unit of distance between codes")
    metric: Literal["euclidean", "mahalanobis"] = Field(
        "euclidean",
        description="mahalanobis measures in standard deviations of the codes of reference records,"
        " along their principal directions",
    )
    radius: float | None = Field(
        None,
        gt=0,
        description="clip codes to a ball of this radius (in the metric) first: a finite local epsilon",
    )

    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """The noisy codes (n, latent_dim), by the Euclidean metric."""
        import numpy as np

        if self.metric != "euclidean":
            raise TypeError(
                f"{self.name}: metric {self.metric!r} needs reference codes: use release"
            )
        return self._noisy(codes.astype(np.float64), rng).astype(np.float32)

    def release(
        self,
        codes: NDArray[np.float32],
        reference: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """The noisy codes (n, latent_dim), by the metric that was chosen."""
        import numpy as np

        if self.metric == "euclidean":
            return self.apply(codes, rng)
        center, scale = spread(reference)
        white = (codes.astype(np.float64) - center) @ np.linalg.inv(scale)
        return (self._noisy(white, rng) @ scale + center).astype(np.float32)

    def _noisy(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        if self.radius is not None:
            codes = clip_to_ball(codes, self.radius)
        return codes + laplace_ball(codes.shape, self.epsilon, rng)

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Metric privacy; with a radius also a finite epsilon of local DP: the ball is 2 radius wide."""
        conditions = (
            *fit_conditions(context),
            LABELS,
            "each record is released once",
            "textbook floating-point sampler (Haney et al. 2022)",
        )
        how = "closed form" if self.metric == "euclidean" else f"closed form, {self.metric} d"
        if self.radius is None:
            return Guarantee("metric-dp", self.epsilon, 0.0, "local", how, conditions, "features")
        epsilon = 2 * self.radius * self.epsilon
        return Guarantee("local-dp", epsilon, 0.0, "local", how, conditions, "features")


def fit_conditions(context: GuaranteeContext) -> tuple[str, ...]:
    """What the release of a code is conditional on, by what the encoder and decoder were fitted on."""
    if context.generator_fitted_on != "private":
        return ()
    return (
        f"encoder and decoder are independent of the record {NOT_SO}fitted on the private records)",
    )


def spread(codes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) of codes (k, d), and the symmetric square root (d, d) of their covariance.

    Directions in which codes hardly vary, as those that a VAE does not use, count as a hundredth of the
    widest one, or the noise would vanish there and the metric with it.
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
