"""Noise on the features of training records.

Two records of d features in [0, 1] (pixels, binary and one-hot features) differ by at most d in the L1
norm and sqrt(d) in the L2 norm. Therefore one release of a record is (d / b)-locally DP with Laplace
noise of scale b (Dwork et al. 2006), and has the exact epsilon of Balle, Wang 2018, arXiv 1805.06530,
theorem 8, with Gaussian noise. Numeric columns are unbounded, so a table with one has no guarantee.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.data import Data, DataSpec
from privbench.mechanisms.base import DataMechanism
from privbench.privacy import Guarantee, GuaranteeContext, gaussian_epsilon, gaussian_profile
from privbench.privacy.conditions import LABELS_NOT_COVERED, as_conditions
from privbench.privacy.profile import Profile

if TYPE_CHECKING:
    import numpy as np


class InputNoise(DataMechanism):
    """Adds noise to all features of the training records."""

    name: ClassVar[str] = "input-noise"
    paper: ClassVar[str] = "Dwork et al. 2006; Balle, Wang 2018, arXiv 1805.06530"
    record_wise: ClassVar[bool] = True

    noise: Literal["gaussian", "laplace"] = Field(
        "gaussian", description="distribution of the noise"
    )
    scale: float = Field(
        0.5, gt=0, description="standard deviation (gaussian) or scale b (laplace) per feature"
    )
    delta: float = Field(
        1e-5, gt=0, lt=1, description="delta of the guarantee; zero with laplace noise"
    )

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the noisy records, which are not clipped, with their labels."""
        draw = rng.normal if self.noise == "gaussian" else rng.laplace
        noise = draw(scale=self.scale, size=data.x.shape)
        return Data((data.x + noise).astype("float32"), data.y, data.spec)

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return local DP of a record's features where all of them are bounded."""
        if not bounded(context.spec):
            return None
        d = math.prod(context.spec.shape)
        profile: Profile = ()
        if self.noise == "laplace":
            epsilon, delta, accountant = d / self.scale, 0.0, "closed form"
        else:
            noise = {"sigma": self.scale, "delta": self.delta, "sensitivity": math.sqrt(d)}
            epsilon, delta, accountant = gaussian_epsilon(**noise), self.delta, "analytic Gaussian"
            profile = gaussian_profile(**noise)
        conditions = as_conditions(
            (
                LABELS_NOT_COVERED,
                "each record is released once",
                "textbook floating-point sampler (Mironov 2012)",
            )
        )
        return Guarantee(
            "local-dp", epsilon, delta, "local", accountant, conditions, "features", profile,
            gaussian=self.noise == "gaussian",
        )  # fmt: skip


def bounded(spec: DataSpec) -> bool:
    """Return whether every feature lies in [0, 1]."""
    return not spec.numeric_features
