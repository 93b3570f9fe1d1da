"""The label-only attack: members are further from the decision boundary.

Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", arXiv 2007.14321. The target is
queried on noisy copies of the record, and the score is the fraction of queries that return its label.
Noise is Gaussian for pixels and numbers; binary features are flipped with a small probability.

Deviations:

- The paper's other variants are not implemented: image augmentations, and an adversarial search for
  the distance to the decision boundary.
- The record itself counts as one of the copies, and the prediction is compared with the record's label
  rather than with the prediction on the record.
- Each one-hot feature of a category is flipped on its own. A feature that never changes, such as a
  pixel in the margin, is not treated as binary: it gets Gaussian noise.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Attack, NeedsShadows, Observes, View


class LabelOnly(Attack):
    """Fraction of noisy copies that are given the record's label."""

    name: ClassVar[str] = "label-only"
    paper: ClassVar[str] = "Choquette-Choo et al. 2021, arXiv 2007.14321"
    observes: ClassVar[Observes] = "labels"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    needs_records: ClassVar[bool] = True
    queries: ClassVar[bool] = True

    copies: int = Field(32, ge=1, description="number of noisy copies of each record to query")
    noise: float = Field(
        0.3, gt=0, description="standard deviation of the noise on numbers and pixels"
    )
    flips: float = Field(
        0.05, gt=0, le=1, description="probability of flipping each binary feature of a copy"
    )

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), between 0 and 1."""
        assert view.records is not None
        assert view.target_model is not None  # needs_records, queries
        correct = (view.target.predicted == view.labels).astype(np.float64)
        for _ in range(self.copies):
            noisy = self._perturb(view.records, view.rng)
            correct += view.target_model.query(noisy).predicted == view.labels
        scores: NDArray[np.float64] = correct / (self.copies + 1)
        return scores

    def _perturb(self, x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return a noisy copy of records (n, *shape): binary features flipped, others with noise."""
        binary = ((x == 0) | (x == 1)).all(axis=0) & (x.min(axis=0) < x.max(axis=0))
        flipped = np.abs(x - (rng.random(x.shape) < self.flips))
        moved = x + self.noise * rng.standard_normal(x.shape, dtype=np.float32)
        noisy: NDArray[np.float32] = np.where(binary, flipped, moved).astype(np.float32)
        return noisy
