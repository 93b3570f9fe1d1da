"""A single-file plugin: an output mechanism, which acts on what a model answers."""

import numpy as np
from pydantic import Field

import privbench


class Capped(privbench.OutputMechanism):
    """Mixes probabilities with the uniform distribution until none is above a cap."""

    name = "capped"
    cap: float = Field(
        0.9, gt=0, le=1, description="largest probability; at least one over classes"
    )

    def apply(self, probabilities, rng):
        classes = probabilities.shape[1]
        cap = max(self.cap, 1 / classes)
        largest = probabilities.max(1, keepdims=True)
        # The weight of the uniform distribution with which the largest probability becomes the cap.
        weight = (largest - cap).clip(0) / np.maximum(largest - 1 / classes, 1e-12)
        return (1 - weight) * probabilities + weight / classes


@privbench.hookimpl
def register_mechanisms(register):
    register(Capped)
