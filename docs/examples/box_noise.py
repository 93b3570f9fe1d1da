"""A single-file plugin: a data mechanism with a guarantee, which the audit tests."""

import numpy as np
from pydantic import Field

import privbench


class BoxNoise(privbench.DataMechanism):
    """Clips features to a box, and adds Laplace noise to them."""

    name = "box-noise"
    paper = "Dwork et al. 2006, doi 10.1007/11681878_14"
    record_wise = True  # no record's noise depends on another
    bound: float = Field(1.0, gt=0, description="features are clipped to [-bound, bound]")
    epsilon: float = Field(8.0, gt=0, description="epsilon of the release of one record's features")

    def scale(self, n_features):
        # Two records in the box differ by at most 2 * bound in each feature.
        return 2 * self.bound * n_features / self.epsilon

    def apply(self, data, rng):
        clipped = data.x.clip(-self.bound, self.bound)
        noisy = clipped + rng.laplace(scale=self.scale(data.spec.n_features), size=clipped.shape)
        return privbench.Data(noisy.astype(np.float32), data.y, data.spec)

    def guarantee(self, context):
        conditions = (
            "labels are not covered",
            "each record is released once",
            "textbook floating-point Laplace (Mironov 2012)",
        )
        return privbench.Guarantee(
            "local-dp", self.epsilon, 0.0, "local", "closed form", conditions, covers="features"
        )


@privbench.hookimpl
def register_mechanisms(register):
    register(BoxNoise)
