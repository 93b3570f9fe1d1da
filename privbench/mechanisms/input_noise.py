"""Noise on the training records themselves.

Features that lie in [0, 1] (images, binary features, one-hot categories) differ between two records of
d features by at most d in the L1 norm and sqrt(d) in the L2 norm. So one release of a record with
Laplace noise of scale b is (d / b)-locally DP (Dwork et al. 2006), and with Gaussian noise it has the
exact epsilon of Balle, Wang 2018, arXiv 1805.06530, theorem 8. Numeric columns have no bounds, and
then there is no guarantee.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from privbench.data import Data, DataSpec
from privbench.mechanisms.base import DataMechanism, GuaranteeContext
from privbench.privacy import Guarantee, gaussian_epsilon
from privbench.privacy.guarantees import LABELS

if TYPE_CHECKING:
    import numpy as np


class InputNoise(DataMechanism):
    """Adds noise to every feature of the training records, once; labels stay."""

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
        1e-5, gt=0, lt=1, description="delta of the claim; the laplace claim has none"
    )

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """The records with noise; they are not clipped, for models take any numbers."""
        draw = rng.normal if self.noise == "gaussian" else rng.laplace
        noise = draw(scale=self.scale, size=data.x.shape)
        return Data((data.x + noise).astype("float32"), data.y, data.spec)

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Local DP of a record's features where all of them are bounded."""
        if not bounded(context.spec):
            return None
        d = math.prod(context.spec.shape)
        if self.noise == "laplace":
            epsilon, delta, accountant = d / self.scale, 0.0, "closed form"
        else:
            sensitivity, delta = math.sqrt(d), self.delta
            epsilon = gaussian_epsilon(sigma=self.scale, delta=delta, sensitivity=sensitivity)
            accountant = "analytic Gaussian"
        conditions = (
            LABELS,
            "each record is released once",
            "textbook floating-point sampler (Mironov 2012)",
        )
        return Guarantee("local-dp", epsilon, delta, "local", accountant, conditions, "features")


def bounded(spec: DataSpec) -> bool:
    """Whether every feature lies in [0, 1]."""
    if spec.kind != "tabular":
        return True
    return bool(spec.columns) and all(column.type == "categorical" for column in spec.columns)
