"""A single-file plugin: an attack on the data that a defense releases."""

import numpy as np

import privbench


class Closer(privbench.SyntheticAttack):
    """How much closer a record is to the release than to the reference records."""

    name = "closer"
    needs_shadows = "no"

    def score(self, view):
        release = self.nearest(view.records, view.synthetic.x)
        public = self.nearest(view.records, view.reference.x)
        return np.log(public + 1e-9) - np.log(release + 1e-9)  # larger = member

    def nearest(self, records, others):
        others = others.reshape(len(others), -1).astype(float)
        return np.array([np.linalg.norm(others - one.ravel(), axis=1).min() for one in records])


@privbench.hookimpl
def register_attacks(register):
    register(Closer)
