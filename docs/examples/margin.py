"""A single-file plugin: an attack that scores a record by the margin of its label."""

import numpy as np

import privbench


class Margin(privbench.Attack):
    """Margin of the label's probability over the others, minus its mean over OUT shadows."""

    name = "margin"

    def score(self, view):
        out = ~view.shadow_member  # (shadows, records)
        shadows = self.margin(view.shadows.probabilities(), view.labels)
        expected = (shadows * out).sum(0) / np.maximum(out.sum(0), 1)
        return self.margin(view.target.probabilities(), view.labels) - expected

    def margin(self, probabilities, labels):
        others = np.where(np.eye(probabilities.shape[-1])[labels], -1, probabilities).max(-1)
        return probabilities[..., np.arange(len(labels)), labels] - others


@privbench.hookimpl
def register_attacks(register):
    register(Margin)
