"""A single-file plugin: a latent mechanism, which acts on the codes of a generator."""

import numpy as np
from pydantic import Field

import privbench


class ClipCodes(privbench.LatentMechanism):
    """Shortens codes to a norm, so that no record is far from the others."""

    name = "clip-codes"
    record_wise = True  # no code depends on another
    norm: float = Field(1.0, gt=0, description="largest Euclidean norm of a code")

    def apply(self, codes, rng):
        norms = np.linalg.norm(codes, axis=1, keepdims=True)
        return codes * np.minimum(1, self.norm / np.maximum(norms, 1e-12))


@privbench.hookimpl
def register_mechanisms(register):
    register(ClipCodes)
