"""The label-only attack: members sit further from the decision boundary.

Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", arXiv 2007.14321: the target
is asked about noisy copies of the record, and the score is how often its label survives. The noise
is Gaussian for images and numbers; binary features are flipped with a small probability.
Deviations:

- The paper's other variants, by augmentations of images and by an adversarial search for the distance to
  the decision boundary, are not here.
- The undisturbed record is one of the copies; "survives" means that the record's own label is answered.
- The features of a category, which are 0 or 1, are flipped one by one. A feature that never changes,
  such as a pixel of the margin, is no binary one: it gets Gaussian noise.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Attack, NeedsShadows, Observes, View


class LabelOnly(Attack):
    """Share of noisy copies of the record whose label the target still gets right."""

    name: ClassVar[str] = "label-only"
    paper: ClassVar[str] = "Choquette-Choo et al. 2021, arXiv 2007.14321"
    observes: ClassVar[Observes] = "labels"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    needs_records: ClassVar[bool] = True
    queries: ClassVar[bool] = True

    copies: int = Field(32, ge=1, description="noisy copies of each record that are asked about")
    noise: float = Field(
        0.3, gt=0, description="standard deviation of the noise on numbers and pixels"
    )
    flips: float = Field(
        0.05, gt=0, le=1, description="probability that a binary feature is flipped"
    )

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,), between 0 and 1."""
        assert view.records is not None
        assert view.target_model is not None  # needs_records, queries
        right = (view.target.predicted == view.labels).astype(np.float64)
        for _ in range(self.copies):
            noisy = self._disturb(view.records, view.rng)
            right += view.target_model.query(noisy).predicted == view.labels
        scores: NDArray[np.float64] = right / (self.copies + 1)
        return scores

    def _disturb(self, x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """A noisy copy of records (n, *shape): 0/1 features are flipped, others get Gaussian noise."""
        binary = ((x == 0) | (x == 1)).all(axis=0) & (x.min(axis=0) < x.max(axis=0))
        flipped = np.abs(x - (rng.random(x.shape) < self.flips))
        moved = x + self.noise * rng.standard_normal(x.shape, dtype=np.float32)
        noisy: NDArray[np.float32] = np.where(binary, flipped, moved).astype(np.float32)
        return noisy
