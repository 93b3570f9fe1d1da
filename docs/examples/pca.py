"""A single-file plugin: a generator, which encodes records, decodes codes and draws new records."""

import numpy as np
from pydantic import Field

import privbench


class FittedPca(privbench.FittedGenerator):
    """Principal axes of a training set, and how the codes of each class are distributed."""

    def __init__(self, data, codes):
        flat = data.x.reshape(len(data), -1).astype(float)
        self.spec, self.labels, self.mean = data.spec, data.y, flat.mean(0)
        self.axes = np.linalg.svd(flat - self.mean, full_matrices=False)[2][:codes]
        known = self.encode(data)
        self.normals = {
            label: (known[data.y == label].mean(0), known[data.y == label].std(0))
            for label in np.unique(data.y)
        }

    def encode(self, data):
        return (data.x.reshape(len(data), -1) - self.mean) @ self.axes.T

    def decode(self, codes):
        flat = codes @ self.axes + self.mean
        bounded = flat if self.spec.kind == "tabular" else flat.clip(0, 1)
        return bounded.astype(np.float32).reshape(-1, *self.spec.shape)

    def sample(self, n, rng):
        labels = rng.choice(self.labels, n)
        drawn = [rng.normal(*self.normals[label]) for label in labels]
        return privbench.Data(self.decode(np.array(drawn)), labels, self.spec)


class Pca(privbench.Generator):
    """Principal components; new records have normal codes, by class."""

    name = "pca"
    codes: int = Field(8, ge=1, description="principal axes that are kept")

    def skip(self, spec):
        return "pca decodes no categorical columns" if spec.categorical_blocks else ""

    def fit(self, data, rng):
        return FittedPca(data, self.codes)


@privbench.hookimpl
def register_generators(register):
    register(Pca)
