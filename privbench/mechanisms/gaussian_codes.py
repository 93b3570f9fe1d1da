"""The Gaussian mechanism on latent codes.

Codes are clipped to a ball of radius R, so that any two differ by at most 2 R. Gaussian noise with
standard deviation sigma is then (2 R^2 / sigma^2)-zCDP (Bun, Steinke 2016, arXiv 1605.02065,
proposition 1.6), and has the exact epsilon of Balle, Wang 2018, arXiv 1805.06530, theorem 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import LatentMechanism
from privbench.mechanisms.metric_privacy import clip_to_ball
from privbench.privacy import Guarantee, GuaranteeContext, gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import LABELS_NOT_COVERED, as_conditions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class GaussianCodes(LatentMechanism):
    """Gaussian noise on clipped latent codes."""

    name: ClassVar[str] = "gaussian"
    paper: ClassVar[str] = "Bun, Steinke 2016, arXiv 1605.02065"
    record_wise: ClassVar[bool] = True

    sigma: float = Field(gt=0, description="standard deviation of the noise in each dimension")
    radius: float = Field(gt=0, description="radius of the ball to which codes are clipped")
    delta: float = Field(1e-5, gt=0, lt=1, description="delta of the guarantee")

    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the clipped codes (n, latent_dim) with noise."""
        import numpy as np

        clipped = clip_to_ball(codes.astype(np.float64), self.radius)
        return (clipped + rng.normal(scale=self.sigma, size=codes.shape)).astype(np.float32)

    def rho(self) -> float:
        """Return rho, the zCDP parameter of one release."""
        return 2 * self.radius**2 / self.sigma**2

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return local DP of a record's features."""
        noise = {"sigma": self.sigma, "delta": self.delta, "sensitivity": 2 * self.radius}
        epsilon = gaussian_epsilon(**noise)
        conditions = as_conditions(
            (
                LABELS_NOT_COVERED,
                "each record is released once",
                "textbook floating-point Gaussian (Mironov 2012)",
            )
        )
        accountant = f"analytic Gaussian, zCDP rho={self.rho():.4g}"
        profile = gaussian_profile(**noise)
        return Guarantee(
            "local-dp",
            epsilon,
            self.delta,
            "local",
            accountant,
            conditions,
            "features",
            profile,
            True,
        )
